"""A small MCP server on stdio for the tests: it writes down each call that reaches it in the file that it is given."""

import json
import sys
from pathlib import Path

TOOLS = ("create_pull_request", "list_pull_requests", "query")


def _result(method, params, log):
    if method == "initialize":
        info = {"name": "shop", "version": "1"}
        return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": info}
    if method == "tools/list":
        schema = {"type": "object", "additionalProperties": True}
        return {"tools": [{"name": name, "description": name, "inputSchema": schema} for name in TOOLS]}
    if method == "tools/call":
        with log.open("a") as file:
            file.write(params["name"] + "\n")
        return {"content": [{"type": "text", "text": "reached"}]}
    return {}


def main():
    log = Path(sys.argv[1])
    for line in sys.stdin:
        message = json.loads(line)
        if "id" in message:
            result = _result(message["method"], message.get("params", {}), log)
            sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}) + "\n")
            sys.stdout.flush()


main()
