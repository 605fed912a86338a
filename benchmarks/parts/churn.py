"""Change pods at a steady rate, as a busy cluster does; it ends by itself.

A process of its own, so that its work is not counted as the kernel's. Its pods wait for
a node that is not there: the API server has all of the work, the kubelet none.

Usage: python churn.py NAMESPACE RATE SECONDS, with KUBECONFIG
"""

import json
import os
import sys
import time
from pathlib import Path

from helpers.caller import Caller

PODS = 50


def pod(name: str) -> dict:
    """Return a pod that stays Pending; its labels are for people, too."""
    labels = {"app": "churn", "changes": "0"}
    main = {"name": "main", "image": "toolbox:1"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels},
        "spec": {"containers": [main], "nodeSelector": {"kind": "none"}},
    }


def churn(caller: Caller, namespace: str, rate: float, seconds: float) -> dict:
    """Create pods, then change one after the other; return how many changes it were."""
    path = f"/api/v1/namespaces/{namespace}/pods"
    for number in range(PODS):
        caller.request("POST", path, body=pod(f"churn-{number:02}"))
    began = time.monotonic()
    done = 0
    while time.monotonic() - began < seconds:
        name = f"churn-{done % PODS:02}"
        if done % 25 == 24:
            # Some come and go, so that all types of event are there.
            caller.request("DELETE", f"{path}/{name}?gracePeriodSeconds=0")
            answer = caller.request("POST", path, body=pod(name))
            done += 1
        else:
            body = {"metadata": {"labels": {"changes": str(done)}}}
            answer = caller.request("PATCH", f"{path}/{name}", body=body)
        if answer.status >= 300:
            raise SystemExit(f"{answer.status}: {answer.data.decode()[:200]}")
        done += 1
        # By the clock: a slow answer is made up for, a fast one waits.
        time.sleep(max(0.0, began + done / rate - time.monotonic()))
    return {"changes": done, "seconds": time.monotonic() - began}


if __name__ == "__main__":
    who = Caller.from_kubeconfig(Path(os.environ["KUBECONFIG"]))
    found = churn(who, sys.argv[1], float(sys.argv[2]), float(sys.argv[3]))
    print(json.dumps(found))
