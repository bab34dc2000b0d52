"""Reads a report of leash as those do who read its format, and prints what they found: check_formats.py FORMAT FILE.

Exit status: 1 if it breaks a rule of the format, 77 if what is needed to read it is not installed.
"""

import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent


def sarif(path):
    import jsonschema

    log = json.loads(path.read_text(encoding="utf-8"))
    schema = json.loads((HERE / "sarif-2.1.0.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker()).validate(log)
    # What GitHub wants of it.
    assert path.stat().st_size < 10 * 1024 * 1024 or len(log["runs"][0]["results"]) <= 5000
    for run in log["runs"]:
        rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
        for result in run["results"]:
            assert rules[result["ruleIndex"]] == result["ruleId"]
            assert result["partialFingerprints"]["primaryLocationLineHash"]
            for flow in result.get("codeFlows", []):
                assert sum(len(thread["locations"]) for thread in flow["threadFlows"]) <= 1000
            places = result.get("locations", [])
            where = places[0]["physicalLocation"] if places else {}
            line = where.get("region", {}).get("startLine", 0)
            print(result["ruleId"], result["level"], where.get("artifactLocation", {}).get("uri", "-"), line,
                  result["occurrenceCount"])
        for notification in run["invocations"][0].get("toolExecutionNotifications", []):
            print("notification", notification["message"]["text"])


def junit(path):
    import junitparser

    suites = junitparser.JUnitXml.fromfile(str(path))
    tests = failures = skipped = 0
    for suite in suites:
        for case in suite:
            results = case.result
            kinds = [type(result).__name__ for result in results]
            tests += 1
            failures += "Failure" in kinds
            skipped += "Skipped" in kinds
            print(case.classname, "|", case.name, "|", ",".join(kinds))
            for result in results:
                if isinstance(result, junitparser.Failure):
                    assert result.text and result.text.strip()
        assert (suite.tests, suite.failures, suite.skipped) == (tests, failures, skipped)


def github(path):
    """The rules of workflow commands, and of GitHub's limits."""
    shown = {"error": 0, "warning": 0, "notice": 0}
    text = path.read_bytes().decode("utf-8")
    assert text == "" or text.endswith("\n")
    for line in text.split("\n")[:-1]:
        found = re.fullmatch(r"::(error|warning|notice) ((?:[a-z]+=[^,:\r\n]*)(?:,[a-z]+=[^,:\r\n]*)*)::([^\r\n]*)", line)
        assert found, line[:200]
        shown[found[1]] += 1
        properties = dict(each.split("=", 1) for each in found[2].split(","))
        for value in [*properties.values(), found[3]]:
            for escape in re.finditer(r"%(..)?", value):
                assert escape[0] in ("%25", "%0D", "%0A", "%3A", "%2C"), value[:200]
        print(found[1], properties.get("file", "-"), properties.get("line", "-"), properties["title"])
    assert max(shown.values()) <= 10, shown


def summary(path):
    size = path.stat().st_size
    assert size <= 1024 * 1024, size
    path.read_bytes().decode("utf-8")
    print("fine")


def folded(path):
    for line in path.read_bytes().decode("utf-8").split("\n")[:-1]:
        stack, count = line.rsplit(" ", 1)
        assert int(count) > 0
        assert all(stack.split(";")), line[:200]
        print(line[:500])


if __name__ == "__main__":
    try:
        globals()[sys.argv[1]](pathlib.Path(sys.argv[2]))
    except ImportError as missing:
        print(missing)
        sys.exit(77)
