import assert from "node:assert/strict";
import { test } from "node:test";
import {
  areSame, commandOf, foreignFile, History, linkTo, quoted, withCaller, withPrompt,
} from "../../../website/web/tryit/commandline.js";

const NOBODY = { curl: " --cacert ca.crt", kubectl: " --context nobody" };

test("each command is of the caller, by its program", () => {
  const typed =
    "kubectl get pods | cat\n curl -s \\\n  https://kubernetes/apis\nT=$(kubectl version)";
  assert.equal(
    withCaller(typed, NOBODY),
    "kubectl --context nobody get pods | cat\n" +
      " curl --cacert ca.crt -s https://kubernetes/apis\nT=$(kubectl version)",
  );
  assert.equal(withCaller("kubectl get pods\nhelm list", {}), "kubectl get pods\nhelm list");
});

test("a log has the prompts of a shell", () => {
  assert.equal(withPrompt("a\nb"), "$ a\n> b\n");
});

test("history goes to earlier lines and back, and has each line once", () => {
  const history = new History();
  assert.deepEqual([1, -1].map((step) => history.go(step)), ["", ""]);
  for (const line of ["version", "nodes", "version"]) history.add(line);
  const steps = [1, 1, -1, -1, -1];
  assert.deepEqual(steps.map((step) => history.go(step)), ["nodes", "nodes", "version", "", ""]);
});

test("a link brings a command as it was, to the same page", () => {
  const command = `curl -H "a: b&c=d" 'https://kubernetes/?x=1#y' \\\n  -d '한'`;
  const link = linkTo("https://host/course/try.html#drill", command);
  // A browser sends no fragment to the host.
  assert.equal(link.split("#")[0], "https://host/course/try.html");
  assert.equal(commandOf(link), command);
  for (const end of ["", "#", "#drill", "#line="]) {
    assert.equal(commandOf(`https://host/try.html${end}`), "");
  }
});

test("commands are the same whose spaces and line ends differ", () => {
  assert.ok(areSame("kubectl get \\\n  pods", " kubectl get pods\n"));
  assert.ok(!areSame("kubectl get pods", "kubectl get pod"));
});

test("a file of another host is known by its address", () => {
  const url = "https://k8s.io/examples/pods/x.yaml";
  for (const line of [
    `kubectl apply -f ${url}`, `kubectl create --filename='${url}' -n a`, `wget ${url}`,
    `kubectl get ns\n kubectl apply \\\n  -f ${url}; date`,
  ]) assert.deepEqual(foreignFile(line), { url, name: "x.yaml" });
  assert.equal(foreignFile(`mkdir a\nwget ${url} -O a/b.yaml`)?.name, "a/b.yaml");
  for (const line of [
    "kubectl apply -f x.yaml", `curl -f ${url}`, `kubectl version; cat -f ${url}`,
    `echo kubectl apply -f ${url}`,
  ]) assert.equal(foreignFile(line), undefined);
});

test("a name is one word of the shell", () => {
  assert.equal(quoted("a/pod-1.yaml"), "a/pod-1.yaml");
  assert.equal(quoted("it's; rm x"), "'it'\\''s; rm x'");
});
