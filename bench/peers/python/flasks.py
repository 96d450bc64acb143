"""The endpoints as a Flask application."""

from flask import Flask, Response, abort, request

import work

application = Flask(__name__)


def text(body):
    return Response(body, content_type="text/plain; charset=utf-8")


@application.get("/hello")
def hello():
    return text(work.HELLO)


@application.get("/io")
def io():
    return text(work.wait())


@application.get("/compute")
def compute():
    return text(work.compute())


@application.get("/mixed")
def mixed():
    return text(work.mixed())


@application.post("/upload")
def upload():
    return text(work.drained(request.stream))


@application.get("/big")
def big():
    return text(work.BIG)


@application.get("/stream")
def stream():
    return text(work.pieces())


@application.get("/delay")
def delay():
    seconds = work.delay(request.query_string.decode("ascii", "replace"))
    return abort(400) if seconds is None else text(work.wait(seconds))
