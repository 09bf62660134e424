// A client of Java's HttpClient with java.net.CookieManager, which takes the orders of test/clients/client.ts.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.CookieManager;
import java.net.HttpCookie;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;

public class CookieManagerClient {
  private static CookieManager cookies;
  private static HttpClient client;

  private static void begin() {
    cookies = new CookieManager();
    client = HttpClient.newBuilder().cookieHandler(cookies).build();
  }

  private static String answer(String url) throws Exception {
    var response = client.send(HttpRequest.newBuilder(URI.create(url)).build(), BodyHandlers.ofString());
    return response.statusCode() + " " + response.body();
  }

  /** Puts a cookie of version 1, which is what Java makes of it if nobody says otherwise. */
  private static void put(URI uri, String word) {
    var equals = word.indexOf('=');
    var cookie = new HttpCookie(word.substring(0, equals), word.substring(equals + 1));
    cookie.setPath("/");
    cookie.setDomain(uri.getHost());
    cookies.getCookieStore().add(uri, cookie);
  }

  public static void main(String[] arguments) throws Exception {
    begin();
    var lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line; (line = lines.readLine()) != null;) {
      var words = line.split("\t");
      switch (words[0]) {
        case "new" -> {
          begin();
          System.out.println("new");
        }
        case "put" -> {
          for (var index = 2; index < words.length; index++) put(URI.create(words[1]), words[index]);
          System.out.println("put");
        }
        default -> System.out.println(answer(words[1]));
      }
    }
  }
}
