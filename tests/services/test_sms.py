"""How codes leave the house: the demonstration sender and the HTTP one."""

from __future__ import annotations

import json

import httpx
import pytest
from pydantic import SecretStr

from bot.services.sms import BackgroundSmsSender, DemoSmsSender, HttpSmsSender, SmsError, sms_sender
from bot.settings import Settings

URL = "https://sms.example/send"


def test_the_gateway_gets_phone_template_and_code_with_the_token() -> None:
    requests: list[httpx.Request] = []

    def gateway(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(202)

    sender = HttpSmsSender(URL, "t0ken", httpx.MockTransport(gateway))
    sender.send_code("13800000101", "012345")

    (request,) = requests
    assert (request.method, str(request.url)) == ("POST", URL)
    assert request.headers["Authorization"] == "Bearer t0ken"
    assert json.loads(request.content) == {
        "phone": "13800000101",
        "template": "verification_code",
        "code": "012345",
    }


def test_without_a_token_there_is_no_authorization() -> None:
    def gateway(request: httpx.Request) -> httpx.Response:
        return httpx.Response(401 if "Authorization" in request.headers else 200)

    HttpSmsSender(URL, None, httpx.MockTransport(gateway)).send_code("13800000101", "123456")


@pytest.mark.parametrize("status", [302, 400, 401, 429, 500, 503])
def test_what_the_gateway_does_not_accept_is_an_error(status: int) -> None:
    sender = HttpSmsSender(URL, "t0ken", httpx.MockTransport(lambda _: httpx.Response(status)))
    with pytest.raises(SmsError):
        sender.send_code("13800000101", "123456")


@pytest.mark.parametrize("failure", [httpx.ConnectError, httpx.ReadTimeout])
def test_a_gateway_out_of_reach_is_an_error(failure: type[httpx.TransportError]) -> None:
    def gateway(request: httpx.Request) -> httpx.Response:
        raise failure("out of reach", request=request)

    with pytest.raises(SmsError) as caught:
        HttpSmsSender(URL, "t0ken", httpx.MockTransport(gateway)).send_code("13800000101", "123456")
    # The error reaches the logs; phone and code must not.
    assert str(caught.value) == failure.__name__


def test_the_settings_choose_the_sender() -> None:
    demo = sms_sender(Settings.model_validate({}))
    real = sms_sender(Settings.model_validate({"sms_url": URL, "sms_token": SecretStr("t0ken")}))
    assert isinstance(demo, DemoSmsSender)
    assert isinstance(real, BackgroundSmsSender)


def test_only_the_demonstration_shows_codes_in_the_chat() -> None:
    assert DemoSmsSender.shown_in_chat
    assert not HttpSmsSender.shown_in_chat


class Flaky:
    """Fails so many times, then sends."""

    shown_in_chat = False

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.tries = 0

    def send_code(self, phone: str, code: str) -> None:
        self.tries += 1
        if self.tries <= self.failures:
            raise SmsError("ReadTimeout")


@pytest.mark.parametrize(("failures", "sent"), [(0, True), (1, True), (2, True), (3, False)])
def test_a_code_is_tried_three_times_behind_the_parents_back(
    failures: int, sent: bool, caplog: pytest.LogCaptureFixture
) -> None:
    gateway, pauses = Flaky(failures), []
    sender = BackgroundSmsSender(gateway, pauses.append)
    sender.send_code("13800000101", "123456")
    assert sender.last is not None
    assert sender.last.result(10) is sent
    assert gateway.tries == min(failures + 1, 3)
    assert pauses == [1.0, 5.0][:failures]
    assert "13800000101" not in caplog.text
    assert len(caplog.records) == failures
