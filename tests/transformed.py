#!/usr/bin/env python3
"""Checks what SAM makes of a template, where that is not what the template seems to say.

    tests/transformed.py TEMPLATE    with the Python of aws-sam-cli
"""

import logging
import os
import sys
import time

import yaml
from samcli.lib.translate.sam_template_validator import SamTemplateValidator
from samcli.yamlhelper import yaml_dump, yaml_parse

os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")
# It tells of switches of its own.
logging.disable(logging.WARNING)


class NoManagedPolicies:
    def load(self):
        return {}


def resources(path):
    """The resources that CloudFormation gets."""
    with open(path, encoding="utf-8") as file:
        template = yaml_parse(file.read())
    return yaml.safe_load(SamTemplateValidator(template, NoManagedPolicies()).get_translated_template_if_valid())["Resources"]


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


assert not aliases(sys.argv[1]), aliases(sys.argv[1])
first = resources(sys.argv[1])
# SAM names deployments by the second.
time.sleep(1.1)
second = resources(sys.argv[1])

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
print(f"{sys.argv[1]}: as it says")
