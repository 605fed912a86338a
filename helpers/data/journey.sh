# Send a GET from a pod: sh journey.sh MARK HOST PATH CA TOKEN MESSAGE, where MESSAGE is
# for a pod without curl. A line with MARK and a name begins each part of the output.
# A watch never ends, so curl stops after 6 s. Only the first MiB leaves the pod.
mark=$1 host=$2 path=$3 ca=$4 token=$5
server=$host:${KUBERNETES_SERVICE_PORT:-443}
part() { printf '\n%s %s\n' "$mark" "$1"; }
header() { [ ! -r "$token" ] || printf 'Authorization: Bearer %s' "$(cat "$token")"; }
ask() {
  header | curl -sg --connect-timeout 5 --max-time 6 --cacert "$ca" -H @- "$@"
}
command -v curl >/dev/null || { echo "$6" >&2; exit 127; }
exec 3>&1
part answer
measured=$({ ask -i -w '%{stderr}%{json}' "https://$server$path" |
  { head -c 1048576; cat >/dev/null; } >&3; } 2>&1)
part measured; printf '%s' "$measured"
exec 2>/dev/null
part credential; [ ! -r "$token" ] || echo sent
part claims; cut -s -d. -f2 "$token"
part service; echo "$KUBERNETES_SERVICE_HOST $KUBERNETES_SERVICE_PORT"
part search; sed -n 's/^search //p' /etc/resolv.conf
part resolved; timeout 5 getent hosts "$host"
part handshake
timeout 5 openssl s_client -connect "$server" -CAfile "$ca" -nameopt rfc2253 \
  </dev/null 2>&1 && part user && [ -r "$token" ] &&
ask -H 'Content-Type: application/json' -d \
  '{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}' \
  "https://$server/apis/authentication.k8s.io/v1/selfsubjectreviews"
exit 0
