"""The model card: what the hub's library and a server that checks as the hub does make of it."""

from __future__ import annotations

import json
import math
import re
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml

from searchkbd.resources import PHRASEBOOK
from searchkbd.training.finetune.card import LICENSES, card, write_card
from searchkbd.training.finetune.config import FinetuneConfig
from searchkbd.training.finetune.data import TextPair
from searchkbd.training.finetune.evaluators import DevEvaluator, DevFigures, DirectionFigures
from searchkbd.training.finetune.gate import Gate
from searchkbd.training.finetune.record import (
    DataFile,
    RunRecord,
    Tokens,
    architecture,
    count_pairs,
    versions,
)

huggingface_hub = pytest.importorskip("huggingface_hub")
pytest.importorskip("sentence_transformers")

# Not in the phrasebook: none of it may be in a card.
PAIRS = [
    TextPair("kbd", "ru", "Мы автобусыр дэнэ кӏуэрэ?", "Эта фраза нигде не должна появиться."),
    TextPair("ru", "en", "Секретное предложение.", "This sentence is not for the card."),
    TextPair("kbd", "ru", "Нобэ щӏыӏэщ.", "Сегодня зябко."),
]
HOSTILE = [
    "a: b # c", "- x", "no", "1e3", "[x](y)", "a|b`c``d", "<script>", "'\"", "{{x}}", "---", "\\",
    "Ӏ ӏ", "%TAG", "@x", "*x* _y_ $z$", "trailing ", "\ttab", "\udcff",
]  # fmt: skip


@pytest.fixture(scope="module")
def model(tiny_labse):
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(tiny_labse), device="cpu", local_files_only=True)


@pytest.fixture(scope="module")
def run(model, tmp_path_factory) -> RunRecord:
    """A record filled as a training fills it."""
    folder = tmp_path_factory.mktemp("data")
    file = folder / "pairs.tsv"
    file.write_text("kbd\tru\n", encoding="utf-8")
    evaluator = DevEvaluator(PAIRS, "I", labels=[0.93, 0.0, 0.93])
    before = evaluator.evaluate(model, 0)
    gate = Gate(before)
    return RunRecord(
        name="my-model", languages=("kbd", "ru", "en"), palochka="I",
        base="sentence-transformers/LaBSE", base_on_hub=True, base_revision="836121a0",
        architecture=architecture(model), dim=64, max_tokens=256, vocabulary=3000,
        files=(DataFile.of(str(file)), DataFile.of("hf:someone/pairs_kbd")), dev_files=(),
        counts=count_pairs(model, PAIRS, "I"), config=FinetuneConfig(), steps=400, best_step=380,
        device="cpu", before=before, after=replace(before, step=380),
        verdict=gate.verdict(before), remarks=tuple(gate.remarks()),
        command="searchkbd train finetune --pairs pairs.tsv --base labse --out my-model",
        versions=versions(), license="apache-2.0",
    )  # fmt: skip


def front(text: str) -> dict:
    return yaml.safe_load(text.split("---\n")[1])


class _Hub(BaseHTTPRequestHandler):
    """/api/validate-yaml with what the hub says that it checks: licence, languages, base model,
    data sets and evaluation results (huggingface.co/docs/hub/model-cards)."""

    def do_POST(self):
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.path == "/api/validate-yaml" and sent["repoType"] == "model"
        wrong = "; ".join(_wrong(front(sent["content"])))
        self.send_response(400 if wrong else 200)
        self.send_header("Content-Length", str(len(wrong.encode())))
        self.end_headers()
        self.wfile.write(wrong.encode())

    def log_message(self, *args):
        pass


def _wrong(data: dict):
    repo = re.compile(r"[\w.-]{1,96}(/[\w.-]{1,96})?", re.ASCII)
    if data.get("license") not in LICENSES:
        yield f"license {data.get('license')!r}"
    if data.get("license") == "other" and not re.fullmatch(
        r"[a-z0-9.-]+", data.get("license_name", "")
    ):
        yield "license_name"
    for lang in data["language"]:
        if not isinstance(lang, str) or not re.fullmatch("[a-z]{2,3}", lang):
            yield f"language {lang!r}"
    for name in [data.get("base_model", "x"), *data.get("datasets", [])]:
        if not isinstance(name, str) or not repo.fullmatch(name):
            yield f"repository {name!r}"
    for key in ("tags", "metrics"):
        if not all(isinstance(one, str) for one in data[key]):
            yield key
    if (data["library_name"], data["pipeline_tag"]) != (
        "sentence-transformers", "sentence-similarity",
    ):  # fmt: skip
        yield "library_name or pipeline_tag"
    for model in data["model-index"]:
        if not isinstance(model["name"], str) or not model["name"]:
            yield f"model-index name {model['name']!r}"
        for result in model["results"]:
            if not result["task"]["type"] or not result["dataset"]["type"]:
                yield "model-index task or dataset"
            if not result["dataset"]["name"] or not result["metrics"]:
                yield "model-index dataset name or metrics"
            for metric in result["metrics"]:
                if not isinstance(metric["value"], (int, float)) or not metric["type"]:
                    yield f"model-index metric {metric}"


@pytest.fixture(scope="module")
def hub():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Hub) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with pytest.MonkeyPatch.context() as patch:
            endpoint = f"http://127.0.0.1:{server.server_port}"
            patch.setattr(huggingface_hub.constants, "ENDPOINT", endpoint)
            patch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
            yield endpoint
        huggingface_hub.close_session()
        server.shutdown()
        thread.join()


def test_the_card_passes_the_librarys_own_validation(run, hub, tmp_path):
    path = write_card(tmp_path, run)
    assert path == tmp_path / "README.md"
    found = huggingface_hub.ModelCard.load(path)
    found.validate()
    assert found.data.language == ["kbd", "ru", "en"]
    assert found.data.base_model == "sentence-transformers/LaBSE"
    assert found.data.datasets == ["someone/pairs_kbd"]
    assert found.data.license == "apache-2.0"
    assert "dataset_size:3" in found.data.tags
    assert "loss:MultipleNegativesRankingLoss" in found.data.tags
    # Written by the library again it says the same.
    found.save(tmp_path / "again.md")
    again = huggingface_hub.ModelCard.load(tmp_path / "again.md")
    assert again.data.to_dict() == found.data.to_dict() and again.text == found.text
    # And the check can fail.
    found.data.license = "my own"
    with pytest.raises(ValueError, match="license 'my own'"):
        found.validate()


def test_the_figures_are_in_the_model_index(run, tmp_path):
    from huggingface_hub.repocard_data import model_index_to_eval_results

    data = huggingface_hub.metadata_load(write_card(tmp_path, run))
    name, results = model_index_to_eval_results(data["model-index"])
    assert name == "my-model"
    assert len(results) == 5 * len(run.after.directions)
    for one in run.after.directions:
        own = {
            result.metric_type: result.metric_value
            for result in results
            if result.dataset_config == "-".join(one.langs)
        }
        assert own == {
            "cosine_accuracy@1": round(one.accuracy_at_1, 4),
            "cosine_accuracy@5": round(one.accuracy_at_5, 4),
            "cosine_accuracy@10": round(one.accuracy_at_10, 4),
            "cosine_mrr@10": round(one.mrr_at_10, 4),
            "src2trg_accuracy": round(one.translation_accuracy, 4),
        }


def test_the_example_runs_as_it_stands(run, tiny_labse, tmp_path, capsys):
    here = replace(run, name=str(tiny_labse))
    (program,) = re.findall(r"```python\n(.*?)```", card(here), re.DOTALL)
    exec(program, {})
    assert capsys.readouterr().out == "(3, 64)\ntorch.Size([3, 3])\n"
    assert re.search("[а-я]I[а-я]", program) and "ӏ" not in program  # as this model reads it


def test_no_sentence_of_the_data_is_in_it(run, tmp_path):
    text = card(run)
    for pair in PAIRS:
        assert pair.text_b not in text
    examples = [one["source_sentence"] for one in front(text)["widget"]]
    phrasebook = PHRASEBOOK.read_text(encoding="utf-8")
    assert len(examples) == 5
    assert all(text.replace("I", "ӏ") in phrasebook.replace("I", "ӏ") for text in examples)


def test_each_query_of_the_widget_has_its_translation_among_the_sentences(run):
    groups: dict[str, set[str]] = {}
    for line in PHRASEBOOK.read_text(encoding="utf-8").splitlines():
        cells = line.split("\t")
        if len(cells) > 3:
            groups.setdefault(cells[3], set()).add(cells[2].replace("ӏ", "I"))
    for one in front(card(run))["widget"]:
        (group,) = [group for group in groups.values() if one["source_sentence"] in group]
        assert sum(sentence in group for sentence in one["sentences"]) == 1
        assert len(set(one["sentences"])) == 3


def test_it_is_the_same_each_time_and_tells_no_place_or_date(run, tmp_path):
    text = card(run)
    assert card(run) == text
    assert write_card(tmp_path, run).read_text(encoding="utf-8") == text
    assert str(tmp_path.parent) not in text and "/tmp" not in text
    assert not re.search(r"20\d\d-\d\d-\d\d", text)


def test_data_files_are_told_by_name_and_sum(run, tmp_path):
    file = tmp_path / "pairs.tsv"
    file.write_bytes(b"abc")
    told = DataFile.of(str(file))
    assert told.name == "pairs.tsv"
    assert told.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    text = card(replace(run, dev_files=(told,)))
    assert f"| `pairs.tsv` | `{told.sha256}` |" in text
    assert "held out of the training files" not in text
    assert "held out of the training files" in card(run)


def test_pairs_and_tokens_are_counted(model, run):
    one = {(one.lang_a, one.lang_b): one for one in count_pairs(model, PAIRS, "I")}
    assert {langs: found.pairs for langs, found in one.items()} == {
        ("kbd", "ru"): 2, ("ru", "en"): 1,
    }  # fmt: skip
    lengths = [
        len(model.tokenizer(text)["input_ids"])
        for text in ("Мы автобусыр дэнэ кIуэрэ?", "Нобэ щIыIэщ.")
    ]
    assert one["kbd", "ru"].tokens_a == Tokens(min(lengths), sum(lengths) / 2, max(lengths))
    long = count_pairs(model, [TextPair("ru", "en", "слово " * 500, "word")], None)
    assert long[0].tokens_a.most == 256


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_names(run, hub, tmp_path, name):
    named = replace(
        run, name=name, base=name, license=name, files=(DataFile(name, "ab"),),
        remarks=(name.strip(),), command=name, versions={"Python": name},
    )  # fmt: skip
    path = write_card(tmp_path, named)
    found = huggingface_hub.ModelCard.load(path)
    found.validate()
    shown = name.encode("utf-8", "replace").decode()
    assert found.data.model_name == shown
    assert found.data.license in LICENSES
    rows = [line for line in found.text.splitlines() if line.endswith("| `ab` |")]
    assert len(rows) == 1
    # Two cells, whatever the name holds.
    assert len(re.findall(r"(?<!\\)\|", rows[0])) == 3
    heads = [line for line in found.text.splitlines() if line.startswith("# ")]
    assert len(heads) == 1 and "<script>" not in heads[0]


@pytest.mark.parametrize(
    "given, expected",
    [
        (None, {"license": "unknown"}),
        ("CC-BY-SA-4.0", {"license": "cc-by-sa-4.0"}),
        ("My Licence (v1)", {"license": "other", "license_name": "my-licence-v1"}),
        ("!!", {"license": "other", "license_name": "unnamed"}),
    ],
)
def test_licences_are_the_hubs_or_other(run, given, expected):
    text = card(replace(run, license=given))
    data = front(text)
    assert {key: data[key] for key in data if key.startswith("license")} == expected
    assert ("Nobody has said under which licence" in text) is (given is None)


def test_a_base_that_is_no_repository_is_named_in_the_text_only(run):
    text = card(replace(run, base="my base", base_on_hub=False, base_revision=None))
    assert "base_model" not in front(text)
    assert "fine-tuned from `my base`." in text


def test_figures_before_and_after_and_the_gates_verdict(run):
    def figures(found: int) -> DevFigures:
        share = found / 200
        langs = [("ru", "en"), ("en", "ru")]
        return DevFigures(1, tuple(
            DirectionFigures(*pair, 200, 200, share, share, share, share, 200, share)
            for pair in langs
        ), spearman=-0.25)  # fmt: skip

    before, after = figures(180), figures(170)
    verdict = Gate(before).verdict(after)
    text = card(replace(run, before=before, after=after, verdict=verdict))
    assert "| ru→en | 200 | 200 | 90.0 → **85.0** |" in text
    assert "failed: 2 lost more than 0.5 points" in text
    assert "-0.250 before, -0.250 after" in text
    assert "phrasebook" not in text
    assert "those of searchkbd's phrasebook" in card(replace(run, built_in_held=True))


def test_every_setting_is_in_the_card(run):
    config = FinetuneConfig(loss="cached-symmetric", distill=0.75, gate=math.inf)
    text = card(replace(run, config=config))
    assert "loss:CachedMultipleNegativesRankingLoss" in front(text)["tags"]
    rows = dict(re.findall(r"^\| ([a-z ]+) \| (.*) \|$", text, re.MULTILINE))
    assert rows["distill"] == "0.75"
    assert rows["lr"] == "5e-05"
    assert rows["gate"] == "off"
    assert rows["loss"].startswith("CachedMultipleNegativesRankingLoss in both directions")
    names = {name.replace("_", " ") for name in FinetuneConfig.__dataclass_fields__}
    assert names <= set(rows)
    assert architecture_of(text) == run.architecture


def architecture_of(text: str) -> str:
    return re.search(r"## Architecture\n\n```\n(.*?)\n```", text, re.DOTALL)[1]
