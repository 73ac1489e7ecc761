"""Rasa component that decides whether a message tells of an emergency, recall first.

A missed emergency is the worst error of this product; a false alarm costs one line of text.
So a trained score with a low threshold decides, out of the embedding, n-grams and the danger
signs of :mod:`bot.nlu.danger`; only plainly harmless settings (long ago, hearsay, a question
about cover) ask for a higher score. The decision overrides the intent, in any conversation.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import (
    INTENT,
    INTENT_NAME_KEY,
    INTENT_RANKING_KEY,
    PREDICTED_CONFIDENCE_KEY,
    TEXT,
)
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from bot.nlu import danger
from bot.nlu.embedding import Vectors
from bot.nlu.featurizer import sentence_vectors
from bot.nlu.heads import LinearHead
from bot.nlu.ngrams import Counted
from bot.nlu.normalise import plain

logger = logging.getLogger(__name__)

EMERGENCY = "report_emergency"
# The score, beside the decision, for what comes after.
DANGER = "danger"
_OTHER = "other"
_NAME = "emergency"
_FOLDS = 4
_SEED = 20261123
Scores = npt.NDArray[np.float64]


class DangerScore:
    """Logistic model over the binary head's margin, the danger signs and their contexts."""

    def __init__(self) -> None:
        """Make an untrained score."""
        self.head = LinearHead(balance=0.5)
        self.weights = np.zeros(0)
        self.bias = 0.0

    def fit(self, texts: Sequence[str], vectors: Vectors, urgent: Sequence[bool]) -> DangerScore:
        """Train on plain texts, their embeddings, and whether each is an emergency."""
        names = np.array([EMERGENCY if one else _OTHER for one in urgent])
        margins = np.zeros(len(texts))
        # The margins of texts that the head has not seen: those it has seen are too sure.
        counted = Counted(texts)
        splitter = StratifiedKFold(_FOLDS, shuffle=True, random_state=_SEED)
        for learn, check in splitter.split(np.zeros(len(names)), names):
            head = LinearHead(balance=0.5).fit(
                counted.rows(learn), vectors[learn], names[learn].tolist(), folds=0
            )
            margins[check] = self._margin(head, counted.rows(check), vectors[check])
        self.head.fit(counted, vectors, names.tolist(), folds=0)
        rows = _rows(texts, margins)
        # Texts that nothing points to would only teach that most messages are harmless.
        near = (rows[:, 1] + rows[:, 2] > 0) | (margins > -0.9)
        target = names == EMERGENCY
        model = LogisticRegression(C=0.3, max_iter=2000).fit(rows[near], target[near])
        self.weights, self.bias = model.coef_[0], float(model.intercept_[0])
        return self

    def scores(self, texts: Sequence[str], vectors: Vectors) -> Scores:
        """Return the probability of an emergency for each text."""
        rows = _rows(texts, self._margin(self.head, texts, vectors))
        result: Scores = 1 / (1 + np.exp(-(rows @ self.weights + self.bias)))
        return result

    @staticmethod
    def _margin(head: LinearHead, texts: Sequence[str] | Counted, vectors: Vectors) -> Scores:
        place = head.labels.index(EMERGENCY)
        result: Scores = head.margins(texts, vectors)[:, place]
        return result

    def save(self, folder: Path, name: str) -> None:
        """Write the score into a folder."""
        self.head.save(folder, name)
        np.savez(folder / f"{name}-score.npz", weights=self.weights, bias=self.bias)

    @classmethod
    def load(cls, folder: Path, name: str) -> DangerScore:
        """Read what :meth:`save` wrote."""
        score = cls()
        score.head = LinearHead.load(folder, name)
        with np.load(folder / f"{name}-score.npz", allow_pickle=False) as arrays:
            score.weights, score.bias = arrays["weights"], float(arrays["bias"])
        return score


def _rows(texts: Sequence[str], margins: Scores) -> Scores:
    rows = []
    for text, margin in zip(texts, margins, strict=True):
        reading = danger.read(text)
        count = len(reading.signs)
        inside = [float(name in reading.contexts) for name in danger.CONTEXTS]
        rows.append(
            [
                margin,
                min(count, 3),
                len(reading.denied),
                float(count > 0),
                *inside,
                *(one * (count > 0) for one in inside),
                *(float(name in reading.signs) for name in danger.SIGNS),
                min(len(text), 60) / 30,
            ]
        )
    return np.array(rows, dtype=np.float64)


_HAPPENING = re.compile(
    r"又|还在|还没|正[^常文好式确]|刚刚|突然|忽然|停不|没停|这次|这回|越来越|不醒|叫不|怎么叫|今天|快点|救救|救命[^,。]{0,3}$|"
    r"先(?:别|不)|等会|等一下|放一放|别管|来不及|right now|just now|again"
)
_CHILD = re.compile(
    r"孩|娃|宝|儿子|女儿|闺女|囡|弟|妹|哥|姐|仔|细路|小的|老大|老二|[他她佢伊]|学生|同学|\bkid|baby|\bson\b|daughter|child|\bhe\b|\bshe\b"
)
_HARMLESS: tuple[tuple[re.Pattern[str], re.Pattern[str] | None, float], ...] = tuple(
    (re.compile(words), escape, threshold)
    for words, escape, threshold in (
        # Averted: it turned out not to be so.
        (
            r"虚惊|(?:以为|还当)[^。]*(?:结果|后来|其实|原来|找|发现|数了)|找[到着]了|其实(?:是|就是|没)|(?:没|未)(?:有)?(?:吞|咽)(?:下|进|到)?|抠出来了|含[^,。]{0,6}吐出来|false alarm|turned out|"
            r"不用急|不急了|没事了|(?:只|就)是睡着|现在(?:起来)?(?:玩|好|没事)",
            re.compile(
                r"又|还在|正[^常]|停不|越来越|[叫捏拍摇掐喊][^,。]{0,3}都?不|(?:可是?|但是?|不过)[^。]*(?:不|没|在)"
            ),
            0.5,
        ),
        # Found again, counted, awake and playing: said outright, and nothing is wrong since.
        (
            r"以为[^。]*(?:吞|吃|喝|咽)[^。]*(?:找[到着]|发现(?:在|是)|数了|没少|还在(?:盒|瓶|桌|床|包|口袋))|"
            r"(?:现在|这会儿?)(?:已经|又)?(?:起来|下床|醒了?)?(?:玩|吃饭|活蹦|没事)[^。]*(?:不用急|不急|放心|不用管|别担心)",
            re.compile(r"[喘抽吐紫青晕昏血烧疼痛肿]|没反应|说不|但是?|可是?|不过|还有点"),
            0.95,
        ),
        # How to keep it from happening.
        (
            r"(?:怎么|怎样|如何|咋)(?:才能|能|去)?(?:防止?|预防|避免|防范)|防[^,。]{0,8}(?:课|讲座|知识|措施|办法|用品)",
            re.compile(_HAPPENING.pattern + r"|现在|已经|了[,，。!！]|了$"),
            0.95,
        ),
        # A figure of speech, though a child is in sight.
        (
            r"(?:萌|可爱|好看|帅|美|漂亮)[^,。]{0,4}(?:得|到|的)?[^,。]{0,6}(?:一脸血|吐血|爆炸|炸了|晕过去|晕倒|窒息|心都化|要命)",
            _HAPPENING,
            0.97,
        ),
        # Hearsay and fiction.
        (
            r"群里|听说|据说|新闻|书上|电视|网上(?:看|说|有)|小说|电影|动画片?|同事|邻居|隔壁家|别人家|朋友家|表[姐哥妹弟]家|有个(?:孩子|小孩|宝宝|娃)|班里有|王者|英雄|剧里|剧情",
            re.compile(
                r"我家?(?:娃|孩子|儿子|女儿|宝宝?|妹妹?|弟弟?)[^,。]{0,4}(?:也|现在|正|突然|在|发|说)|现在|救|遗[言书]"
            ),
            0.995,
        ),
        # Long ago.
        (
            r"去年|前年|上(?:个)?月|上(?:个)?(?:周|星期|礼拜)|上次|上回|小时候|半年前|(?:[一二三四五六七八九十两几\d]|半)+个?(?:年|月|岁|周|星期)(?:以)?(?:前|时|的时候|那年)|"
            r"出生(?:时|的时候|那)|早年|以前|曾经?|那次|那回|前阵|前段|前几[年月周]|last (?:year|month|week)|(?:years?|months?|weeks?) ago|history of",
            re.compile(
                _HAPPENING.pattern
                + r"|现在[^,。]{0,3}(?:憋|喘|抽|吐|晕|昏|发[紫青]|不会|不能|睁|叫)"
            ),
            0.5,
        ),
        # What if.
        (
            r"如果|假如|假设|万一|要是|哪天|以防|预防|怎么防|防止|避免|讲座|课程|有课|的课|培训|学(?:一下|习|点|会)?急救|科普|手法|what if|\bif\b|lecture|prevent|好奇|问着玩",
            re.compile(r"又|还在|正在|刚|突然|忽然|停不|现在(?!学)|已经|怎么叫|right now"),
            0.5,
        ),
        # About cover, money or papers: parents in fear ask about those as well, so little is asked.
        (
            r"理赔|报销|能报|给报|可报|怎么报|报不报|报得|报吗|赔[付不吗多偿]|额度|发票|票据|费用?单|材料|小结|担保函|授权|直付|保不保|保障|保险|责任|包不包|多少钱|费用|费能|自付|垫付|投保|改名|手续|结案|打款|到账|claim|cover|reimburs|invoice|insur",
            re.compile(_HAPPENING.pattern + r"|现在"),
            0.25,
        ),
        # Words and names, definitions.
        (
            r"小名|大名|外号|网名|英[文语]|怎么(?:写|读|念|拼)|什么意思|单词|歌词|怎么(?:引起|发生|区分|预防)|是怎么回事$|正常(?:值|范围)|遗传|根治|要医生开|复评|评估",
            re.compile(_HAPPENING.pattern + r"|现在(?![^,。]{0,4}岁)"),
            0.98,
        ),
    )
)
# A child who eats, sleeps and plays is mostly well; not so after a blow or something swallowed,
# whose signs come late, and never where life is threatened.
_REASSURED = re.compile(
    r"照样(?:玩|吃|跑)|(?:吃|睡|玩|精神|胃口|奶)[^,。]{0,6}(?:都|也|挺|很|还)?(?:好|正常|行|不错|香)|能吃能|能动|能玩|活蹦|呼吸正常|红润|没别的|正常吧|没吐没晕|一点点|流口水|no (?:seizure|trouble)|playing|just a"
)
_NEVER_REASSURED = frozenset({"poison", "self_harm", "bleeding", "unconscious", "burn"})
# Said of oneself, of a screen or of a pet, with no child in sight.
_IDIOM = re.compile(
    r"我(?:人)?(?:都|快|也|要|已经|马上|感觉|真的?)*(?:晕|昏|窒息|断气|吐血|疯|醉|死|崩溃|自闭)|(?:急|气|笑|累|困|饿|热|烦|等)[^,。]{0,3}(?:死|晕|昏|断气|吐血|窒息|疯)|"
    r"价格?|钱包|账单|物价|排到|可爱|萌|剁手|二维码|页面|手机|电脑|系统|屏幕|路由|键盘|app|登不|客服|稻草|"
    r"(?<!被)(?:猫咪?|狗狗|小狗|我家狗|金毛|泰迪|鱼缸|金鱼|乌龟|仓鼠|兔子|多肉|盆栽)|(?:燃气灶|煤气灶|下水道|插座没电|打火机)|复印|身份证|晕菜|吃货"
)
# Where a body is spoken of, no idiom is presumed.
_BODY = re.compile(
    r"喉|嗓|嘴|唇|脸|鼻|头|胸|血(?:一直|流得|从|止|往|喷|糊|都|啊)|呼吸|眼睛|皮|刀|药|咬"
)


# Something dangerous has gone into, or through, a child: said as done, in no tamer setting.
_DONE = re.compile(
    r"(?:吞|咽|误[食服喝]|喝|吃)(?:进|下)?去?了|[食服喝]了?整|电到|触电了|咬[^,。]{0,4}电线"
)
_PLAINLY = frozenset({"now", "question", "service"})
_AT_ONCE = frozenset({"poison", "water_power"})


def done(text: str) -> bool:
    """Tell whether a text says that poison, a battery or current has got at a child already.

    Args:
        text: Plain text (see :func:`bot.nlu.normalise.plain`).
    """
    reading = danger.read(text)
    return bool(_DONE.search(text) and reading.signs & _AT_ONCE and reading.contexts <= _PLAINLY)


# A code, a phone or an amount says nothing; to the character n-grams it looks like anything.
_ONLY_NUMBERS = re.compile(r"[\d\s.,+:/¥$-]+")
_EMERGENCY_CALL = re.compile(r"[\s.,]*(?:120|110|119|911|999)[\s.,]*")
_NEVER = 2.0


def harmless_below(text: str) -> float:
    """Return the score that a text needs on account of its setting; 0 for no such setting.

    Args:
        text: Plain text (see :func:`bot.nlu.normalise.plain`).
    """
    if _ONLY_NUMBERS.fullmatch(text) and not _EMERGENCY_CALL.fullmatch(text):
        return _NEVER
    needed = 0.0
    for setting, escape, threshold in _HARMLESS:
        if setting.search(text) and not (escape and escape.search(text)):
            needed = max(needed, threshold)
    if (
        _REASSURED.search(text)
        and not _HAPPENING.search(text)
        and _NEVER_REASSURED.isdisjoint(danger.read(text).signs)
    ):
        needed = max(needed, 0.7)
    if _IDIOM.search(text) and not _CHILD.search(text) and not _BODY.search(text):
        needed = max(needed, 0.97)
    return needed


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class EmergencyDetector(GraphComponent):  # type: ignore[misc]
    """Sets or clears the intent ``report_emergency``; stands last in the pipeline."""

    def __init__(
        self,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        score: DangerScore | None = None,
    ) -> None:
        """Make a detector; without a score it leaves messages as they are."""
        self._config = config
        self._model_storage = model_storage
        self._resource = resource
        self.score = score

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Return the defaults; ``threshold`` is the score from which on it is an emergency."""
        return {"threshold": 0.12}

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> EmergencyDetector:
        """Create an untrained component (see the parent class)."""
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> EmergencyDetector:
        """Load a trained component (see the parent class)."""
        try:
            with model_storage.read_from(resource) as folder:
                return cls(config, model_storage, resource, DangerScore.load(folder, _NAME))
        except (ValueError, FileNotFoundError):
            logger.warning("The emergency detector is not trained; the intents stand alone.")
            return cls(config, model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Train on all examples, those of ``report_emergency`` against the rest."""
        examples = [
            example
            for example in training_data.intent_examples
            if example.get(INTENT) and example.get(TEXT)
        ]
        urgent = [example.get(INTENT) == EMERGENCY for example in examples]
        if not _FOLDS <= sum(urgent) <= len(urgent) - _FOLDS:
            logger.warning("The emergency detector needs examples of both kinds; not trained.")
            return self._resource
        texts = [plain(example.get(TEXT)) for example in examples]
        self.score = DangerScore().fit(texts, sentence_vectors(examples), urgent)
        with self._model_storage.write_to(self._resource) as folder:
            self.score.save(folder, _NAME)
        return self._resource

    def process(self, messages: list[Message]) -> list[Message]:
        """Set the intent of emergencies, with confidence 1; clear it where there is none."""
        spoken = [message for message in messages if message.get(TEXT)]
        if self.score is None or not spoken:
            return messages
        texts = [plain(message.get(TEXT)) for message in spoken]
        scores = self.score.scores(texts, sentence_vectors(spoken))
        for message, text, score in zip(spoken, texts, scores, strict=True):
            message.set(DANGER, float(score))
            if score >= max(self._config["threshold"], harmless_below(text)) or done(text):
                _raise_alarm(message)
            else:
                _clear(message)
        return messages


def _raise_alarm(message: Message) -> None:
    intent = {INTENT_NAME_KEY: EMERGENCY, PREDICTED_CONFIDENCE_KEY: 1.0}
    others = [
        entry
        for entry in message.get(INTENT_RANKING_KEY, [])
        if entry[INTENT_NAME_KEY] != EMERGENCY
    ]
    message.set(INTENT, intent, add_to_output=True)
    message.set(INTENT_RANKING_KEY, [intent, *others], add_to_output=True)


def _clear(message: Message) -> None:
    """Take the next likely intent where the classifier saw an emergency that is none."""
    intent = message.get(INTENT) or {}
    others = [
        entry
        for entry in message.get(INTENT_RANKING_KEY, [])
        if entry[INTENT_NAME_KEY] != EMERGENCY
    ]
    if intent.get(INTENT_NAME_KEY) == EMERGENCY and others:
        left = 1 - float(intent.get(PREDICTED_CONFIDENCE_KEY, 0.0))
        for entry in others:
            # What the classifier gave to the emergency is shared out among the others.
            entry[PREDICTED_CONFIDENCE_KEY] = min(
                1.0, entry[PREDICTED_CONFIDENCE_KEY] / max(left, 0.05)
            )
        message.set(INTENT, others[0], add_to_output=True)
        message.set(INTENT_RANKING_KEY, others, add_to_output=True)
