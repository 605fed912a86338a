import assert from "node:assert/strict";
import { test } from "node:test";
import { judge, permissionsOf } from "../../../website/web/tryit/drill.js";

const say = (word, ...values) => [word, ...values].join(" ");
const USUAL = `selfsubjectreviews.authentication.k8s.io   []   []   [create]
                                           [/api/*]   []   [get]
`;
const LISTS_PODS = `pods   []   []   [list]\n${USUAL}`;
const usual = await permissionsOf(async () => USUAL, "default", "drill");

/** Return what commands print: the account, the status of its request, its permissions. */
const answers = (account, status, permissions) => async (line) => {
  if (line.startsWith("kubectl get serviceaccount")) return account;
  if (line.startsWith("kubectl get namespaces")) return "namespace/default\nnamespace/drill\n";
  if (line.startsWith("curl")) return status;
  const [, name] = /--namespace (\S+)/.exec(line);
  return permissions[name] ?? USUAL;
};

test("permissions are read from kubectl's table", async () => {
  const table = `pods   []   [web db]   [get list]\n${USUAL}Warning: incomplete\n`;
  assert.deepEqual(await permissionsOf(async () => table, "reporter", "drill"), [
    "get pods web db", "list pods web db",
    "create selfsubjectreviews.authentication.k8s.io", "get /api/*",
  ]);
});

for (const [name, outputOf, verdict] of [
  ["no account", answers("", "", {}), "absent"],
  ["a refusal", answers("serviceaccount/reporter", "403", {}), "refused 403"],
  ["just enough", answers("serviceaccount/reporter", "200", { drill: LISTS_PODS }), "solved"],
  ["another namespace", answers("serviceaccount/reporter", "200", {
    drill: LISTS_PODS, default: LISTS_PODS,
  }), "excess 1 list pods -n default"],
  ["all of it", answers("serviceaccount/reporter", "200", {
    drill: `pods   []   []   [a b c d list e f]\n${USUAL}`,
  }), "excess 6 a pods -n drill, b pods -n drill, c pods -n drill, d pods -n drill, " +
    "e pods -n drill"],
]) {
  test(`the verdict on ${name}`, async () => {
    assert.equal(await judge(outputOf, say, usual, "curl ..."), verdict);
  });
}
