// The drill: a ServiceAccount with one permission beyond those that each of them has.

/**
 * @typedef {(line: string) => Promise<string>} OutputOf what a command prints
 * @typedef {(word: string, ...values: any[]) => string} Say
 */

/** The drill's namespace, and what its account is allowed to do there. */
const NAMESPACE = "drill", ALLOWED = "list pods";
/** Further permissions that the verdict names. */
const NAMED = 5;

/**
 * Return the permissions of an account in a namespace, as "verb resource name".
 *
 * @param {OutputOf} outputOf
 * @param {string} account
 * @param {string} namespace
 */
export const permissionsOf = async (outputOf, account, namespace) => {
  const list = `kubectl auth can-i --list --no-headers --namespace ${namespace}`;
  const table = await outputOf(`${list} --as system:serviceaccount:${NAMESPACE}:${account}`);
  return [...table.matchAll(/^(\S*) +\[(.*)\] +\[(.*)\] +\[(.*)\]$/gm)].flatMap(
    ([, resource, path, names, verbs]) =>
      verbs.split(" ").map((verb) => `${verb} ${resource}${path} ${names}`.trim()),
  );
};

/**
 * Return the verdict on `reporter`.
 *
 * @param {OutputOf} outputOf
 * @param {Say} say
 * @param {string[]} usual permissions that each account has
 * @param {string} line a request of the account; it prints the status code
 */
export const judge = async (outputOf, say, usual, line) => {
  const get = `kubectl get serviceaccount reporter --namespace ${NAMESPACE} -o name`;
  if (!/^serviceaccount\//.test(await outputOf(get))) return say("absent");
  const status = await outputOf(line);
  if (status !== "200") return say("refused", status);
  const excess = [], namespaces = await outputOf("kubectl get namespaces -o name");
  for (const [, name] of namespaces.matchAll(/\/(.*)/g)) {
    const allowed = name === NAMESPACE ? [...usual, ALLOWED] : usual;
    const permissions = await permissionsOf(outputOf, "reporter", name);
    const more = permissions.filter((permission) => !allowed.includes(permission));
    excess.push(...more.map((permission) => `${permission} -n ${name}`));
  }
  if (!excess.length) return say("solved");
  return say("excess", excess.length, excess.slice(0, NAMED).join(", "));
};
