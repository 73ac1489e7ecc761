"""Tokens of normalised text at their places in the original."""

from rasa.shared.nlu.training_data.message import Message

from bot.nlu.tokenizer import ServiceTokenizer, segmenter


def tokens(text: str) -> list[tuple[str, str]]:
    made = ServiceTokenizer(ServiceTokenizer.get_default_config())
    message = Message.build(text)
    return [(one.text, text[one.start : one.end]) for one in made.tokenize(message, "text")]


def test_words_of_the_service_stay_whole() -> None:
    words = segmenter().lcut("电子保险卡能查事先授权吗")
    assert "电子保险卡" in words
    assert "事先授权" in words


def test_tokens_point_into_the_original() -> None:
    found = tokens("😭想預約小兒內科")
    assert ("预约", "預約") in found
    assert ("小儿内科", "小兒內科") in found


def test_signs_alone_give_one_token() -> None:
    assert tokens("😭") == [("😭", "😭")]
