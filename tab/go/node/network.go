package node

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"syscall"

	"tab/programs"
)

// Services says what CoreDNS and kube-proxy would watch.
type Services interface {
	// Service returns the Service of a name, or nil.
	Service(namespace, name string) *Service
	// ServiceAt returns the Service that has an address, or nil.
	ServiceAt(address string) *Service
}

// Service is where a Service leads. ClusterIP is "None" without an address, and External a name
// elsewhere.
type Service struct {
	ClusterIP, External string
	Endpoints           []Endpoint
}

// Endpoint is one of a Service's; Ports has its ports by those of the Service.
type Endpoint struct {
	Address, Hostname string
	Ready             bool
	Ports             map[int]int
}

// Listen opens a port of a machine.
type Listen = func(network, address string) (net.Listener, error)

// Network connects pods, Services and the reader, inside this process. Each pod has an address,
// and a loopback of its own in 127.1.0.0/16: what listens there, no other pod reaches.
type Network struct {
	services Services
	mu       sync.Mutex
	used     map[int]bool
	last     int
}

// NewNetwork returns a network without pods.
func NewNetwork(services Services) *Network {
	return &Network{services: services, used: map[int]bool{}}
}

// pods is how many addresses there are.
const pods = 1 << 16

// host is one pod's place in the network, or the reader's.
type host struct {
	network *Network
	number  int
	// address is "" for the reader, who has none.
	address, loopback string
	// servers, searches and dots are those of resolv.conf.
	servers, searches []string
	dots              int
}

// newHost returns a place for a pod.
func (n *Network) newHost() (*host, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for range pods {
		n.last = (n.last + 1) % pods
		// The first of a block are the bridge's on other clusters, the last no pod's.
		if low := n.last % 256; low < 2 || low > 254 || n.used[n.last] {
			continue
		}
		n.used[n.last] = true
		return &host{
			network: n, number: n.last,
			address:  fmt.Sprintf("10.244.%d.%d", n.last/256, n.last%256),
			loopback: fmt.Sprintf("127.1.%d.%d", n.last/256, n.last%256),
		}, nil
	}
	return nil, fmt.Errorf("no address of %d is free", pods)
}

// nodeHost returns the node's own place, for a pod with `hostNetwork`. Its loopback is not that
// of this process, where the etcd listens.
func (n *Network) nodeHost() *host {
	return &host{network: n, address: Address, loopback: "127.1.0.1"}
}

func (h *host) release() {
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	delete(h.network.used, h.number)
}

// ReaderMachine returns the machine of the reader's side, without programs. It has all files of
// this process, its loopback, and the names that a pod of the namespace default knows.
func (n *Network) ReaderMachine() *programs.Machine {
	reader := &host{
		network: n, loopback: "127.0.0.1", servers: []string{Nameserver},
		searches: searchesOf("default"), dots: 5,
	}
	return &programs.Machine{
		Hostname: Name, Files: AllFiles{}, Dial: reader.dial,
		LookupHost: reader.lookup(AllFiles{}), FullName: reader.fullName(AllFiles{}),
	}
}

// dial connects to an address, as programs of this place see it.
func (h *host) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if network == "unix" {
		return h.connect(ctx, network, address)
	}
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, refusal(network, address, syscall.EINVAL)
	}
	ip, port := target.Addr().Unmap(), int(target.Port())
	if ip.IsLoopback() || ip.IsUnspecified() {
		// The reader's programs may listen on any such address.
		if h.address == "" && ip.Is4() && !ip.IsUnspecified() {
			return h.connect(ctx, network, address)
		}
		return h.connect(ctx, network, join(h.loopback, port))
	}
	if service := h.network.services.ServiceAt(ip.String()); service != nil {
		endpoint, found := service.endpoint(port)
		if !found {
			return nil, refusal(network, address, syscall.ECONNREFUSED)
		}
		return h.connect(ctx, network, endpoint)
	}
	if !isOurs(ip) {
		return nil, refusal(network, address, syscall.ENETUNREACH)
	}
	return h.connect(ctx, network, join(ip.String(), port))
}

// endpoint returns the address for a port of a Service: of the first endpoint that is ready.
func (s *Service) endpoint(port int) (string, bool) {
	for _, endpoint := range s.Endpoints {
		if target, isServed := endpoint.Ports[port]; isServed && endpoint.Ready {
			return join(endpoint.Address, target), true
		}
	}
	return "", false
}

func (h *host) connect(ctx context.Context, network, address string) (net.Conn, error) {
	connection, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil && ctx.Err() == nil {
		// Go's network inside a process says what went wrong in words alone.
		return nil, refusal(network, address, syscall.ECONNREFUSED)
	}
	return connection, err
}

var (
	podRange     = netip.MustParsePrefix("10.244.0.0/16")
	serviceRange = netip.MustParsePrefix("10.96.0.0/16")
	nodeRange    = netip.MustParsePrefix("172.30.0.0/24")
)

// isOurs reports whether an address can be inside this process.
func isOurs(ip netip.Addr) bool {
	return podRange.Contains(ip) || serviceRange.Contains(ip) || nodeRange.Contains(ip)
}

// listen opens a port of this place; port 0 is any that is free.
func (h *host) listen(network, address string) (net.Listener, error) {
	if network == "unix" || h.address == "" {
		return net.Listen(network, address)
	}
	name, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if name == "" || name == "localhost" {
		name = map[string]string{"": "0.0.0.0", "localhost": "127.0.0.1"}[name]
	}
	ip, err := netip.ParseAddr(name)
	if err != nil {
		return nil, err
	}
	var listener net.Listener
	switch ip = ip.Unmap(); {
	case ip.IsLoopback():
		listener, err = net.Listen(network, net.JoinHostPort(h.loopback, port))
	case ip.IsUnspecified():
		listener, err = h.listenEverywhere(network, port)
	case ip.String() == h.address:
		listener, err = net.Listen(network, net.JoinHostPort(h.address, port))
	default:
		err = os.NewSyscallError("bind", syscall.EADDRNOTAVAIL)
	}
	if err != nil {
		return nil, err
	}
	number := listener.Addr().(*net.TCPAddr).Port
	return shown{listener, &net.TCPAddr{IP: ip.AsSlice(), Port: number}}, nil
}

// listenEverywhere opens a port of both addresses.
func (h *host) listenEverywhere(network, port string) (net.Listener, error) {
	inner, err := net.Listen(network, net.JoinHostPort(h.loopback, port))
	if err != nil {
		return nil, err
	}
	number := inner.Addr().(*net.TCPAddr).Port
	outer, err := net.Listen(network, join(h.address, number))
	if err != nil {
		inner.Close()
		return nil, err
	}
	return Join(inner, outer), nil
}

func join(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

// refusal is what Linux says of a connection that cannot be.
func refusal(network, address string, number syscall.Errno) error {
	target := &net.TCPAddr{}
	if parsed, err := netip.ParseAddrPort(address); err == nil {
		target = net.TCPAddrFromAddrPort(parsed)
	}
	err := os.NewSyscallError("connect", number)
	return &net.OpError{Op: "dial", Net: network, Addr: target, Err: err}
}
