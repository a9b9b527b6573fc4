#!/usr/bin/env python3
"""Checks what SAM makes of a template, where that is not what the template seems to say.

    tests/transformed.py TEMPLATE [DEPLOYED [--write]]    with the Python of aws-sam-cli and cfn-lint

DEPLOYED has the transformed template of the last release, one resource a line. An update from it must lose nothing that holds
data or a name, and replace nothing; --write makes it anew, for a release.
"""

import json
import logging
import os
import re
import sys
import time

import yaml
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER
from samcli.lib.config.samconfig import SamConfig
from samcli.lib.translate.sam_template_validator import SamTemplateValidator
from samcli.yamlhelper import yaml_dump, yaml_parse

os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")
# It tells of switches of its own.
logging.disable(logging.WARNING)


class NoManagedPolicies:
    def load(self):
        return {}


def transformed(path):
    """What CloudFormation gets."""
    with open(path, encoding="utf-8") as file:
        template = yaml_parse(file.read())
    return yaml.safe_load(SamTemplateValidator(template, NoManagedPolicies()).get_translated_template_if_valid())


def aliases(path):
    """The anchors and aliases in what SAM writes of a template. CloudFormation refuses them."""
    with open(path, encoding="utf-8") as file:
        written = yaml_dump(yaml_parse(file.read()))
    return [token.value for token in yaml.scan(written) if isinstance(token, (yaml.AnchorToken, yaml.AliasToken))]


def text_of(value):
    """The names that !Sub takes out of a text."""
    return [part.split("}")[0].split(".")[0] for part in value.split("${")[1:]]


def named_in(value):
    """The names of resources and parameters that a value refers to."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "Ref":
                yield inner
            elif key == "Fn::GetAtt":
                yield inner[0] if isinstance(inner, list) else inner.split(".")[0]
            elif key == "Fn::Sub":
                yield from text_of(inner if isinstance(inner, str) else inner[0])
            yield from named_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from named_in(inner)


def made_before(found, name):
    """The resources that CloudFormation makes before that of a name."""
    before, open_ends = set(), [name]
    while open_ends:
        resource = found[open_ends.pop()]
        depends = resource.get("DependsOn", [])
        depends = [depends] if isinstance(depends, str) else depends
        for other in depends:
            assert found[other].get("Condition") in (None, resource.get("Condition")), f"{other}: what depends on a resource that is left out is left out"
        for other in {*depends, *named_in(resource["Properties"])} & found.keys() - before:
            before.add(other)
            open_ends.append(other)
    return before


def of_type(found, kind):
    return {name: resource["Properties"] for name, resource in found.items() if resource["Type"] == kind}


def without_deployments(found):
    """SAM makes a deployment of the API anew at every run, under another name, and each stage names it."""
    text = re.sub(r"\bApiDeployment[0-9a-f]{10}\b", "ApiDeployment", json.dumps(found))
    return {name: resource for name, resource in json.loads(text).items() if name != "ApiDeployment"}


def conditions_of(template, resource):
    """The definitions of a resource's condition and of those that it names, so that a renamed condition is none of another sense."""
    conditions, texts, open_ends = template.get("Conditions", {}), {}, [resource.get("Condition")]
    while open_ends:
        name = open_ends.pop()
        if name in conditions and name not in texts:
            texts[name] = conditions[name]
            open_ends.extend(re.findall(r'"Condition": "(\w+)"', json.dumps(conditions[name])))
    return texts


# Properties whose change CloudFormation refuses (Template Reference, "Update requires: Updates are not supported").
NEVER_UPDATED = {"AWS::KMS::Key": [["MultiRegion"], ["KeySpec"], ["KeyUsage"], ["Origin"]]}


def fixed(kind):
    """The properties of a type of resource that cannot change without a new resource, as cfn-lint has it from AWS's schemas, or
    not at all."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    pointers = schema.get("createOnlyProperties", []) + schema.get("conditionalCreateOnlyProperties", [])
    return [pointer.split("/")[2:] for pointer in pointers] + NEVER_UPDATED.get(kind, [])


def property_at(resource, path):
    value = resource.get("Properties", {})
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def faults_of_update(before, after):
    """What an update from one transformed template to another would lose or replace."""
    old, new = without_deployments(before["Resources"]), without_deployments(after["Resources"])
    for name in sorted(old):
        if name not in new:
            yield f"{name} is gone, so an update deletes it"
            continue
        kind = old[name]["Type"]
        if new[name]["Type"] != kind:
            yield f"{name} is of another type, and so another resource"
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            if old[name].get(policy) != new[name].get(policy):
                yield f"{name} has another {policy}"
        if conditions_of(before, old[name]) != conditions_of(after, new[name]):
            yield f"{name} has another condition"
        for path in fixed(kind):
            was, is_now = property_at(old[name], path), property_at(new[name], path)
            if was != is_now:
                yield f"{name}: {'.'.join(path)} cannot change in place, and was {was} and is {is_now}"
    for part in ("Parameters", "Outputs"):
        yield from (f"{name} of {part} is gone" for name in sorted(before[part].keys() - after[part].keys()))
    for name in sorted(before["Parameters"].keys() & after["Parameters"].keys()):
        if before["Parameters"][name]["Type"] != after["Parameters"][name]["Type"]:
            yield f"the parameter {name} has another type"


def write(path, template):
    """One resource a line, so that a difference is seen."""
    parts = {part: template.get(part, {}) for part in ("Parameters", "Conditions", "Outputs")}
    parts["Resources"] = without_deployments(template["Resources"])
    lines = [
        f'"{part}": {{\n' + ",\n".join(f'"{name}": {json.dumps(value, sort_keys=True)}' for name, value in sorted(members.items())) + "\n}"
        for part, members in parts.items()
    ]
    with open(path, "w", encoding="utf-8") as file:
        file.write("{\n" + ",\n".join(lines) + "\n}\n")


def check_configuration(path, parameters):
    """What `sam build` and `sam deploy` read of the example that operators copy."""
    build, deploy = (SamConfig(*os.path.split(os.path.abspath(path))).get_all([command], "parameters") for command in ("build", "deploy"))
    assert build["parameter_overrides"] == deploy["parameter_overrides"], "what is built is not what is deployed"
    named = [override.split("=")[0] for override in build["parameter_overrides"]]
    assert "Architecture" in named and set(named) <= parameters.keys(), named


assert not aliases(sys.argv[1]), aliases(sys.argv[1])
template = transformed(sys.argv[1])
first = template["Resources"]
# SAM names deployments by the second.
time.sleep(1.1)
second = transformed(sys.argv[1])["Resources"]

stages = of_type(first, "AWS::ApiGateway::Stage")
assert [stage["StageName"] for stage in stages.values()] == ["prod"], stages
for deployment in of_type(first, "AWS::ApiGateway::Deployment").values():
    assert "StageName" not in deployment, "a second stage, without throttle, access log and WAF"
changed = of_type(first, "AWS::ApiGateway::Deployment").keys() ^ of_type(second, "AWS::ApiGateway::Deployment").keys()
assert changed, "a changed parameter would change the API, and the stage would not serve it"
for name, schedule in of_type(first, "AWS::Scheduler::Schedule").items():
    assert "AWS::StackName" in str(schedule["Name"]), f"{name}: a second stack in the region could not have it"
for name, function in of_type(first, "AWS::Lambda::Function").items():
    assert "InlineCode" in str(function) or "ZipFile" in str(function) or "LogGroup" in function["LoggingConfig"], name
if "Accounts" in first:
    # The schedule runs as soon as it is there, and needs the table.
    late = first.keys() - made_before(first, "SigningKeys") - {"SigningKeys", "Accounts", "RotatorDaily"}
    assert not late, f"{sorted(late)}: if they fail, the tables that are kept are left behind"
    assert "SigningKeys" in made_before(first, "Accounts") & made_before(first, "RotatorDaily")
    assert "AWSLambdaDynamoDBExecutionRole" not in str(of_type(first, "AWS::IAM::Role")), "it reads every stream of the account"
    # A mapping of another name would be a second one, and read the stream from its start.
    assert list(of_type(first, "AWS::Lambda::EventSourceMapping")) == ["MailerMails"]
    for function in ("Logon", "Rotator"):
        assert "SealingKeyAlias" in made_before(first, function), f"{function} could run before its key has a name"
    check_configuration(os.path.join(os.path.dirname(sys.argv[1]) or ".", "samconfig.example.toml"), template["Parameters"])
if sys.argv[3:] == ["--write"]:
    write(sys.argv[2], template)
elif sys.argv[2:]:
    with open(sys.argv[2], encoding="utf-8") as file:
        faults = list(faults_of_update(json.load(file), template))
    assert not faults, "\n".join([f"an update from {sys.argv[2]} would not go through, or lose something:", *faults])
print(f"{sys.argv[1]}: as it says")
