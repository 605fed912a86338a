import assert from "node:assert/strict";
import { test } from "node:test";
import { Progress } from "../../../website/web/start/progress.js";

const say = (word, ...values) => [word, ...values].join(" ");
const TOTAL = 35_000_000;

test("a slow download is told each 5 %, and the time that is left", () => {
  let now = 0;
  const progress = new Progress(say, () => now);
  assert.equal(progress.sentence, "loading 0 …");
  const told = [];
  for (let loaded = 100_000; loaded <= TOTAL; loaded += 100_000) {
    now += 160;
    if (progress.update(loaded, TOTAL)) told.push(`${progress.sentence} ${progress.time}`);
  }
  assert.equal(told.length, 21);
  assert.equal(told[0], "loading 0 35 elapsed 0");
  // 10 % after 5.6 seconds.
  assert.equal(told[2], "loading 4 35 left 51");
  assert.equal(told[19], "loading 33 35 left 3");
  assert.equal(told[20], "compiling elapsed 56");
  assert.ok(progress.step("making keys"));
  assert.deepEqual([progress.sentence, progress.time], ["keys", "elapsed 56"]);
});

test("each step of the program is told once, and unknown ones are not", () => {
  const progress = new Progress(say, () => 0);
  const told = [
    "making keys", "starting the etcd", "starting the API server", "a new one",
    "starting kube-controller-manager", "starting kube-scheduler", "starting the kubelet",
    "waiting for the node", "",
  ].filter((name) => progress.step(name));
  assert.deepEqual(told, [
    "making keys", "starting the etcd", "starting kube-controller-manager",
    "starting kube-scheduler", "starting the kubelet", "waiting for the node",
  ]);
  assert.equal(progress.sentence, "node");
});

test("a download of unknown size is told each ten megabytes", () => {
  const progress = new Progress(say, () => 0);
  const told = [4e6, 9e6, 12e6, 19e6, 20e6].filter(
    (loaded) => progress.update(loaded, 0));
  assert.deepEqual(told, [4e6, 12e6, 20e6]);
  assert.equal(progress.sentence, "loading 20 …");
  assert.equal(progress.time, "elapsed 0");
});

test("a share of the whole grows to its end, and a slow start has advice", () => {
  let now = 0;
  const progress = new Progress(say, () => now);
  const shares = [progress.share];
  for (const loaded of [TOTAL / 2, TOTAL]) {
    progress.update(loaded, TOTAL);
    shares.push(progress.share);
  }
  for (const name of [
    "making keys", "starting the API server", "starting kube-controller-manager",
    "starting the kubelet", "waiting for the node", "importing",
  ]) {
    progress.step(name);
    shares.push(progress.share);
  }
  assert.deepEqual(shares, shares.toSorted((one, other) => one - other));
  assert.equal(new Set(shares).size, shares.length);
  assert.ok(shares[0] === 0 && shares.at(-1) < 1);
  now = 119_000;
  assert.equal(progress.time, "elapsed 119");
  now = 121_000;
  assert.equal(progress.time, "slow 121");
});
