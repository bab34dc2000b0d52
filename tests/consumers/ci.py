"""Does what the recipes of examples/ci tell a CI system to do, with an installation of leash: ci.py SOURCE PREFIX FOLDER.

What only the system itself can do (check out, upload, show) is left out; what it is given is read here.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree
from pathlib import Path

source, prefix, workspace = (Path(argument).resolve() for argument in sys.argv[1:])


def run(command, **variables):
    """Runs a step as a CI system does. Returns its exit status and what it has printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "LEASH_"))}
    environment |= {"PATH": f"{prefix}/bin:{os.environ['PATH']}", "CMAKE_PREFIX_PATH": str(prefix), "CMAKE_GENERATOR": "Ninja"}
    done = subprocess.run(["bash", "-e", "-c", command], cwd=workspace, env=environment | variables, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=500)
    print(f"$ {command}\n{done.stdout}-> {done.returncode}", flush=True)
    return done.returncode, done.stdout


def expect(holds, what):
    if not holds:
        sys.exit(f"not so: {what}")


def tests_fail(status, output):
    expect(status != 0 and re.search(r"1 tests? failed out of 2", output), "the test that leaks fails, and no other")


def github():
    text = (source / "github.yml").read_text()
    variables = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(workspace), "GITHUB_STEP_SUMMARY": str(workspace / "summary.md")}
    steps = [(match[1], re.search(r"env:\n +(\w+): (.*)", step))
             for step in text.split("\n      - ") if (match := re.search(r"^ *run: (.*)$", step, re.M))]
    expect(len(steps) == 3, f"there are three commands: {steps}")
    (build, _), (test, given), (convert, _) = steps
    expect(run(build, **variables)[0] == 0, "it builds")
    status, output = run(test, **variables, **{given[1]: given[2].replace("${{ github.workspace }}", str(workspace))})
    tests_fail(status, output)
    # ctest shows what a test has printed, each line as it is: that is where GitHub reads annotations.
    expect(re.search(r"^::error file=import_test\.cpp,line=\d+", output, re.M), "an annotation names the line")
    expect("files not closed" in (workspace / "summary.md").read_text(), "the summary of the step has it")
    expect(run(convert, **variables)[0] == 0, "the files are converted")
    uploaded = re.search(r"sarif_file: (.*)", text)[1]
    results = json.loads((workspace / uploaded).read_text())["runs"][0]["results"]
    expect(len(results) == 1 and results[0]["level"] == "error", "code scanning gets one alert")
    where = results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    expect(where == "import_test.cpp", f"its path is relative to the checkout: {where}")


def read_junit(pattern):
    cases = [case for file in workspace.glob(pattern) for case in xml.etree.ElementTree.parse(file).iter("testcase")]
    failed = [case for case in cases if case.find("failure") is not None]
    expect(len(failed) == 1 and "import_test.cpp" in failed[0].find("failure").text, f"one case fails: {len(failed)}")


def gitlab():
    text = (source / "gitlab-ci.yml").read_text()
    commands = re.findall(r"^    - (.*)$", text, re.M)
    expect(len(commands) == 3, f"there are three commands: {commands}")
    tests_fail(*run("\n".join(commands), CI_PROJECT_DIR=str(workspace)))
    read_junit(re.search(r"junit: (.*)", text)[1])


def jenkins():
    text = (source / "Jenkinsfile").read_text()
    build, test = re.findall(r"\bsh '(.*)'", text)
    expect(run(build)[0] == 0, "it builds")
    tests_fail(*run(test, WORKSPACE=str(workspace)))
    read_junit(re.search(r"testResults: '(.*)'", text)[1])


def ctest():
    status, output = run("sh ctest.sh")
    expect(status == 1, "the report ends with 1, since there is a failure")
    expect("import_test.cpp" in output and "2 files not closed" in output, "the report names the place")
    expect(output.rstrip().endswith("1 finding: 2 files. 3 handles opened, 1 closed."), "it is the sum of both programs")


shutil.rmtree(workspace, ignore_errors=True)
shutil.copytree(source, workspace)
for recipe in (github, gitlab, jenkins, ctest):
    for old in (*workspace.glob("leaks*"), workspace / "summary.md"):
        old.unlink(missing_ok=True)
    recipe()
