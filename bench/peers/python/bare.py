"""The endpoints as a WSGI callable, without a framework."""

import work

PLAIN = ("Content-Type", "text/plain; charset=utf-8")


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/stream":
        start_response("200 OK", [PLAIN])
        return work.pieces()
    body = answer(path, environ)
    start_response("200 OK" if body else refusal(path), [PLAIN, ("Content-Length", str(len(body)))])
    return [body]


def answer(path, environ):
    match path:
        case "/hello":
            return work.HELLO
        case "/io":
            return work.wait()
        case "/compute":
            return work.compute()
        case "/mixed":
            return work.mixed()
        case "/upload":
            return upload(environ)
        case "/big":
            return work.BIG
        case "/delay":
            seconds = work.delay(environ["QUERY_STRING"])
            return b"" if seconds is None else work.wait(seconds)
    return b""


def refusal(path):
    return "400 Bad Request" if path == "/delay" else "404 Not Found"


def upload(environ):
    # What lies beyond the declared length is not ours to read (PEP 3333).
    left = int(environ.get("CONTENT_LENGTH") or 0)
    length = 0
    while left and (chunk := environ["wsgi.input"].read(min(left, 65536))):
        left -= len(chunk)
        length += len(chunk)
    return b"%d\n" % length
