// A client with Go's net/http/cookiejar, which takes the orders of test/clients/client.ts.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Cookies from words NAME=VALUE.
func cookies(words []string) []*http.Cookie {
	var given []*http.Cookie
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		given = append(given, &http.Cookie{Name: name, Value: value, Path: "/"})
	}
	return given
}

func newClient() *http.Client {
	jar, err := cookiejar.New(nil)
	check(err)
	return &http.Client{Jar: jar}
}

func answer(client *http.Client, address string, given []*http.Cookie) string {
	request, err := http.NewRequest("GET", address, nil)
	check(err)
	for _, cookie := range given {
		request.AddCookie(cookie)
	}
	response, err := client.Do(request)
	check(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	check(err)
	return fmt.Sprintf("%d %s", response.StatusCode, body)
}

func main() {
	client := newClient()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Split(lines.Text(), "\t")
		switch words[0] {
		case "new":
			client = newClient()
			fmt.Println("new")
		case "put":
			address, err := url.Parse(words[1])
			check(err)
			client.Jar.SetCookies(address, cookies(words[2:]))
			fmt.Println("put")
		default:
			fmt.Println(answer(client, words[1], cookies(words[2:])))
		}
	}
	check(lines.Err())
}
