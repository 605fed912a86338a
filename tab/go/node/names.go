package node

import (
	"context"
	"net"
	"os"
	"slices"
	"strings"

	"tab/programs"
)

// searchesOf returns the domains that a pod of a namespace searches.
func searchesOf(namespace string) []string {
	return []string{namespace + ".svc." + Domain, "svc." + Domain, Domain}
}

// lookup returns a function that finds the addresses of a name as the C library does: in
// /etc/hosts, and then by DNS, in each domain that resolv.conf searches.
func (h *host) lookup(
	files programs.Files,
) func(ctx context.Context, name string) ([]string, error) {
	return func(_ context.Context, name string) ([]string, error) {
		if addresses, _ := h.find(files, name); len(addresses) > 0 {
			return addresses, nil
		}
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
}

// fullName returns a function for the name by which that finds them.
func (h *host) fullName(
	files programs.Files,
) func(ctx context.Context, name string) string {
	return func(_ context.Context, name string) string {
		_, full := h.find(files, name)
		return full
	}
}

// find returns the addresses of a name, and its full one.
func (h *host) find(files programs.Files, name string) (addresses []string, full string) {
	if net.ParseIP(name) != nil {
		return []string{name}, name
	}
	if addresses, full = hostsFile(files, name); len(addresses) > 0 {
		return addresses, full
	}
	if slices.Contains(h.servers, Nameserver) {
		for _, full := range h.candidates(name) {
			if addresses := h.network.resolve(full); len(addresses) > 0 {
				return addresses, full
			}
		}
	}
	return nil, name
}

// hostsFile returns the addresses that a machine's /etc/hosts has for a name, and the first name
// of the first one.
func hostsFile(files programs.Files, name string) (addresses []string, full string) {
	text, _ := os.ReadFile(files.Path("/etc/hosts"))
	for _, line := range strings.Split(string(text), "\n") {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) > 1 && slices.Contains(fields[1:], name) {
			if len(addresses) == 0 {
				full = fields[1]
			}
			addresses = append(addresses, fields[0])
		}
	}
	return addresses, full
}

// candidates returns the full names that a name may mean, in order.
func (h *host) candidates(name string) []string {
	if full, isFull := strings.CutSuffix(name, "."); isFull {
		return []string{full}
	}
	var names []string
	for _, domain := range h.searches {
		names = append(names, name+"."+domain)
	}
	if strings.Count(name, ".") >= h.dots {
		return append([]string{name}, names...)
	}
	return append(names, name)
}

// resolve returns the addresses of a full name, as CoreDNS does with Kubernetes' schema.
func (n *Network) resolve(full string) []string {
	name, isOurs := strings.CutSuffix(strings.ToLower(full), "."+Domain)
	if !isOurs {
		return nil
	}
	labels := strings.Split(name, ".")
	switch kind := labels[len(labels)-1]; {
	case kind == "svc" && len(labels) == 3:
		return n.resolveService(labels[1], labels[0], "")
	case kind == "svc" && len(labels) == 4:
		return n.resolveService(labels[2], labels[1], labels[0])
	case kind == "pod" && len(labels) == 3:
		if ip := strings.ReplaceAll(labels[0], "-", "."); net.ParseIP(ip) != nil {
			return []string{ip}
		}
	}
	return nil
}

// resolveService returns the address of a Service, or those of its endpoints: of all that are
// ready if it has none itself, or of the one with a name.
func (n *Network) resolveService(namespace, name, endpoint string) (addresses []string) {
	service := n.services.Service(namespace, name)
	if service == nil {
		return nil
	}
	if service.External != "" {
		return n.resolve(strings.TrimSuffix(service.External, "."))
	}
	if endpoint == "" && service.ClusterIP != "None" {
		return []string{service.ClusterIP}
	}
	for _, one := range service.Endpoints {
		isMeant := endpoint == one.Hostname || endpoint == strings.ReplaceAll(one.Address, ".", "-")
		if one.Ready && (endpoint == "" || isMeant) {
			addresses = append(addresses, one.Address)
		}
	}
	return addresses
}
