"""Know the flags of the kubectl commands that may write. Pure data, of kubectl 1.37.

A test compares it with what the genuine kubectl prints, so that a new version whose
commands take other flags is noticed. What stands here is all that is understood.

==================  ==================================================================
in the table        means
==================  ==================================================================
`all`               a boolean: `--all`, `--all=false`; it never takes the next word
`image=`            a value: `--image=a`, `--image a`
`dry-run?`          a value only behind `=`: `--dry-run=client`, and bare `--dry-run`
`l:selector=`       the same as `-l`, `-l a`, `-la`, `-l=a`
`PRINT` and others  the flags that several commands share
==================  ==================================================================
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

#: Flags of every command. Not `--kuberc`: what it would add to a command is not seen.
GLOBAL = (
    "as-group= as-uid= as-user-extra= as= cache-dir= certificate-authority= "
    "client-certificate= client-key= cluster= context= disable-compression "
    "insecure-skip-tls-verify kubeconfig= log-flush-frequency= match-server-version "
    "n:namespace= password= profile-output= profile= proxy-url= request-timeout= "
    "s:server= tls-server-name= token= user= username= v:v= vmodule= "
    "warnings-as-errors "
    "h:help"
)
_SHARED = {
    "PRINT": "allow-missing-template-keys o:output= show-managed-fields template=",
    "FILES": "f:filename= k:kustomize= R:recursive",
    "CREATE": "dry-run? field-manager= save-config validate?",
    "FEW": "all l:selector=",
}
_TABLE = """
create | PRINT FILES CREATE edit l:selector= raw= windows-line-endings
create clusterrole | PRINT CREATE aggregation-rule= non-resource-url= resource-name=
    resource= verb=
create clusterrolebinding | PRINT CREATE clusterrole= group= serviceaccount= user=
create configmap | PRINT CREATE append-hash from-env-file= from-file= from-literal=
create cronjob | PRINT CREATE image= restart= schedule=
create deployment | PRINT CREATE image= port= r:replicas=
create ingress | PRINT CREATE annotation= class= default-backend= rule=
create job | PRINT CREATE from= image=
create namespace | PRINT CREATE
create poddisruptionbudget | PRINT CREATE max-unavailable= min-available= selector=
create priorityclass | PRINT CREATE description= global-default preemption-policy=
    value=
create quota | PRINT CREATE hard= scopes=
create role | PRINT CREATE resource-name= resource= verb=
create rolebinding | PRINT CREATE clusterrole= group= role= serviceaccount= user=
create secret |
create secret docker-registry | PRINT CREATE append-hash docker-email=
    docker-password= docker-server= docker-username= from-file=
create secret generic | PRINT CREATE append-hash from-env-file= from-file=
    from-literal= type=
create secret tls | PRINT CREATE append-hash cert= key=
create service |
create service clusterip | PRINT CREATE clusterip= tcp=
create service externalname | PRINT CREATE external-name= tcp=
create service loadbalancer | PRINT CREATE tcp=
create service nodeport | PRINT CREATE node-port= tcp=
create serviceaccount | PRINT CREATE
create token | PRINT audience= bound-object-kind= bound-object-name= bound-object-uid=
    duration=
expose | PRINT FILES cluster-ip= dry-run? external-ip= field-manager= l:labels=
    load-balancer-ip= name= override-type= overrides= port= protocol= save-config
    selector= session-affinity= target-port= type=
run | PRINT R:recursive annotations= attach cascade? command detach-keys= dry-run?
    env= expose field-manager= force grace-period= i:stdin image-pull-policy= image=
    k:kustomize= l:labels= leave-stdin-open override-type= overrides=
    pod-running-timeout= port= privileged q:quiet restart= rm save-config t:tty
    timeout= wait
set |
set env | PRINT FILES FEW c:containers= dry-run? e:env= field-manager= from= keys=
    list local overwrite prefix= resolve
set image | PRINT FILES FEW dry-run? field-manager= local
set resources | PRINT FILES FEW c:containers= dry-run? field-manager= limits= local
    requests=
set selector | PRINT R:recursive all dry-run? f:filename= field-manager= local
    resource-version=
set serviceaccount | PRINT FILES all dry-run? field-manager= local
set subject | PRINT FILES FEW dry-run? field-manager= group= local serviceaccount=
    user=
edit | PRINT FILES field-manager= output-patch save-config subresource= validate?
    windows-line-endings
delete | FILES FEW A:all-namespaces cascade? dry-run? field-selector= force
    grace-period= i:interactive ignore-not-found now o:output= raw= timeout= wait
rollout |
rollout pause | PRINT FILES field-manager= l:selector=
rollout restart | PRINT FILES field-manager= l:selector=
rollout resume | PRINT FILES field-manager= l:selector=
rollout undo | PRINT FILES dry-run? l:selector= to-revision=
scale | PRINT FILES FEW current-replicas= dry-run? replicas= resource-version=
    timeout=
autoscale | PRINT FILES cpu= dry-run? field-manager= max= memory= min= name=
    save-config
certificate |
certificate approve | PRINT FILES force
certificate deny | PRINT FILES force
cordon | dry-run? l:selector=
uncordon | dry-run? l:selector=
drain | chunk-size= delete-emptydir-data disable-eviction dry-run? force grace-period=
    ignore-daemonsets l:selector= pod-selector= skip-wait-for-delete-timeout= timeout=
taint | PRINT FEW dry-run? field-manager= overwrite validate?
attach | c:container= detach-keys= i:stdin pod-running-timeout= q:quiet t:tty
exec | c:container= f:filename= i:stdin pod-running-timeout= q:quiet t:tty
port-forward | address= pod-running-timeout=
proxy | P:www-prefix= accept-hosts= accept-paths= address= api-prefix=
    append-server-path disable-filter keepalive= p:port= reject-methods= reject-paths=
    u:unix-socket= w:www=
cp | c:container= no-preserve retries=
auth |
auth reconcile | PRINT FILES dry-run? remove-extra-permissions remove-extra-subjects
debug | arguments-only attach c:container= copy-to= custom= env= f:filename= i:stdin
    image-pull-policy= image= keep-annotations keep-init-containers keep-labels
    keep-liveness keep-readiness keep-startup profile= q:quiet replace same-node
    set-image= share-processes t:tty target=
diff | FILES concurrency= field-manager= force-conflicts l:selector= prune
    prune-allowlist= server-side show-managed-fields show-secrets
apply | PRINT FILES FEW cascade? dry-run? field-manager= force force-conflicts
    grace-period= openapi-patch overwrite prune prune-allowlist= server-side
    subresource= timeout= validate? wait
apply edit-last-applied | PRINT FILES field-manager= validate? windows-line-endings
apply set-last-applied | PRINT create-annotation dry-run? f:filename=
patch | PRINT FILES dry-run? field-manager= local p:patch= patch-file= subresource=
    type=
replace | PRINT FILES CREATE cascade? force grace-period= raw= subresource= timeout=
    wait
label | PRINT FILES FEW A:all-namespaces dry-run? field-manager= field-selector= list
    local overwrite resource-version=
annotate | PRINT FILES FEW A:all-namespaces dry-run? field-manager= field-selector=
    list local overwrite resource-version=
"""
#: other names of commands
ALIASES = {
    "create": {
        "cj": "cronjob",
        "cm": "configmap",
        "deploy": "deployment",
        "ing": "ingress",
        "ns": "namespace",
        "pc": "priorityclass",
        "pdb": "poddisruptionbudget",
        "resourcequota": "quota",
        "sa": "serviceaccount",
        "svc": "service",
    },
    "set": {"sa": "serviceaccount"},
}
#: commands that change nothing on a server, and so need no table
READS = frozenset(
    "__complete __completeNoDesc api-resources api-versions cluster-info completion "
    "config describe events explain get help kustomize logs options plugin top version "
    "wait".split()
)
#: and of those commands that may write
READS_OF = {
    "apply": ("view-last-applied",),
    "auth": ("can-i", "whoami"),
    "rollout": ("history", "status"),
}


@dataclass(frozen=True)
class Flag:
    """A flag: its long name, and whether it "always", "never" or "maybe" has a value.

    "maybe" is a value behind `=` and never the next word.
    """

    name: str
    value: str


@functools.cache
def flags(command: str) -> Mapping[str, Flag]:
    """Return the flags of a command, as `create role`, by `--name` and by `-n`.

    "" are those that every command has. Raise KeyError for a command without a row.
    """
    found = {}
    for word in f"{GLOBAL} {_rows()[command]}".split():
        short, _, long = word.rpartition(":")
        name = long.rstrip("=?")
        value = {"=": "always", "?": "maybe"}.get(long[-1], "never")
        found[f"--{name}"] = Flag(name, value)
        if short:
            found[f"-{short}"] = found[f"--{name}"]
    return MappingProxyType(found)


@functools.cache
def below(command: str) -> Mapping[str, str]:
    """Return the next words of a command: each with its own name, as `sa` has another.

    Of "" they are the commands themselves. A command without any takes other words.
    """
    head = f"{command} " if command else ""
    names = {
        row.removeprefix(head).partition(" ")[0]
        for row in _rows()
        if row.startswith(head) and row != command
    }
    names |= set(READS_OF.get(command, ())) | (set() if command else READS)
    return MappingProxyType({name: name for name in names} | ALIASES.get(command, {}))


@functools.cache
def _rows() -> Mapping[str, str]:
    rows = {"": ""}
    for line in _TABLE.strip().replace("\n    ", " ").splitlines():
        command, _, text = line.partition("|")
        words = [_SHARED.get(word, word) for word in text.split()]
        rows[command.strip()] = " ".join(words)
    return rows
