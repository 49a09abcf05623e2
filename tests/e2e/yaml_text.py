"""Plain data as YAML: JSON is YAML, so one function serves and no package is needed."""
import json


def dump(data):
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"
