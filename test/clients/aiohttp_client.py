# A client of aiohttp, which takes the orders of test/clients/client.ts.
import asyncio
import sys
from aiohttp import ClientSession, CookieJar
from yarl import URL


def cookies(words):
    """Cookies as a dict, from words NAME=VALUE."""
    return dict(word.split('=', 1) for word in words)


def new_session(words):
    # The jar of an ordinary session keeps no cookies of an IP address.
    return ClientSession(cookies=cookies(words), cookie_jar=CookieJar(unsafe=True))


async def answer(session, url, words):
    async with session.get(url, cookies=cookies(words)) as response:
        return f'{response.status} {await response.text()}'


async def main():
    session = new_session([])
    for line in sys.stdin:
        order, *words = line.rstrip('\n').split('\t')
        if order == 'new':
            await session.close()
            session = new_session(words)
            print('new', flush=True)
        elif order == 'put':
            session.cookie_jar.update_cookies(cookies(words[1:]), URL(words[0]))
            print('put', flush=True)
        else:
            print(await answer(session, words[0], words[1:]), flush=True)
    await session.close()


asyncio.run(main())
