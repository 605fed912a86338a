package node

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"syscall"
	"testing"

	"tab/programs"
)

// newPlaces returns two pods' places in a network with Services.
func newPlaces(t *testing.T, services testServices) (one, other *host) {
	network := NewNetwork(services)
	for _, place := range []**host{&one, &other} {
		var err error
		*place, err = network.newHost()
		check(t, err)
		(*place).servers, (*place).searches = []string{Nameserver}, searchesOf("shop")
		(*place).dots = 5
	}
	return one, other
}

// serve answers each connection with a word.
func serve(t *testing.T, listener net.Listener, word string) int {
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			connection.Write([]byte(word))
			connection.Close()
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port
}

func read(t *testing.T, place *host, address string) string {
	t.Helper()
	connection, err := place.dial(background, "tcp", address)
	check(t, err)
	defer connection.Close()
	word := make([]byte, 16)
	count, err := connection.Read(word)
	check(t, err)
	return string(word[:count])
}

func TestEachPodHasALoopbackOfItsOwn(t *testing.T) {
	one, other := newPlaces(t, testServices{})
	listener, err := one.listen("tcp", "127.0.0.1:0")
	check(t, err)
	expect(t, listener.Addr().(*net.TCPAddr).IP.String(), "127.0.0.1")
	port := serve(t, listener, "one")
	for _, name := range []string{"127.0.0.1", "::1", "127.1.2.3", "0.0.0.0"} {
		expect(t, read(t, one, join(name, port)), "one")
	}
	// Not even by the address that this process has for it.
	for _, name := range []string{"127.0.0.1", one.loopback, "::ffff:127.0.0.1"} {
		_, err := other.dial(background, "tcp", join(name, port))
		expect(t, errors.Is(err, syscall.ECONNREFUSED), true)
	}
	second, err := other.listen("tcp", join("localhost", port))
	check(t, err)
	serve(t, second, "other")
	expect(t, read(t, other, join("127.0.0.1", port)), "other")
}

func TestNoPodReachesTheLoopbackOfThisProcess(t *testing.T) {
	one, _ := newPlaces(t, testServices{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	port := serve(t, listener, "secret")
	places := []*host{one, one.network.nodeHost()}
	for _, place := range places {
		_, err = place.dial(background, "tcp", join("127.0.0.1", port))
		expect(t, errors.Is(err, syscall.ECONNREFUSED), true)
	}
	reader := one.network.ReaderMachine()
	connection, err := reader.Dial(background, "tcp", join("127.0.0.1", port))
	check(t, err)
	connection.Close()
}

func TestOtherAddressesAreNotReached(t *testing.T) {
	one, _ := newPlaces(t, testServices{"shop/web": {ClusterIP: "10.96.0.20"}})
	for address, number := range map[string]syscall.Errno{
		"192.0.2.1:80": syscall.ENETUNREACH, "[2001:db8::1]:80": syscall.ENETUNREACH,
		"10.96.0.20:80": syscall.ECONNREFUSED,
	} {
		_, err := one.dial(background, "tcp", address)
		expect(t, errors.Is(err, number), true)
	}
	_, err := one.listen("tcp", "192.0.2.1:80")
	expect(t, errors.Is(err, syscall.EADDRNOTAVAIL), true)
}

func TestAServiceLeadsToAnEndpointThatIsReady(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	port := serve(t, listener, "endpoint")
	one, _ := newPlaces(t, testServices{"shop/web": {
		ClusterIP: "10.96.0.20", Endpoints: []Endpoint{
			{Address: "192.0.2.1", Ports: map[int]int{80: 80}},
			{Address: "127.0.0.1", Ready: true, Ports: map[int]int{80: port}},
		},
	}})
	expect(t, read(t, one, "10.96.0.20:80"), "endpoint")
	_, err = one.dial(background, "tcp", "10.96.0.20:81")
	expect(t, errors.Is(err, syscall.ECONNREFUSED), true)
}

func TestNamesAreThoseOfTheCluster(t *testing.T) {
	one, _ := newPlaces(t, testServices{
		"default/kubernetes": {ClusterIP: "10.96.0.1"},
		"shop/web":           {ClusterIP: "10.96.0.20"},
		"shop/db": {ClusterIP: "None", Endpoints: []Endpoint{
			{Address: "10.244.0.7", Ready: true, Hostname: "db-0"},
			{Address: "10.244.0.8", Ready: true},
			{Address: "10.244.0.9"},
		}},
		"shop/api": {External: "kubernetes.default.svc.cluster.local"},
	})
	files := &containerFiles{root: t.TempDir()}
	check(t, os.Mkdir(files.root+"/etc", 0o755))
	hosts := "127.0.0.1\tlocalhost # local\n::1 localhost\n10.0.0.9 alias other\n"
	check(t, os.WriteFile(files.root+"/etc/hosts", []byte(hosts), 0o644))
	lookup := one.lookup(files)
	for name, addresses := range map[string][]string{
		"web":                                   {"10.96.0.20"},
		"WEB.shop":                              {"10.96.0.20"},
		"kubernetes.default":                    {"10.96.0.1"},
		"kubernetes.default.svc":                {"10.96.0.1"},
		"kubernetes.default.svc.cluster.local":  {"10.96.0.1"},
		"kubernetes.default.svc.cluster.local.": {"10.96.0.1"},
		"db":                                    {"10.244.0.7", "10.244.0.8"},
		"db-0.db":                               {"10.244.0.7"},
		"10-244-0-8.db.shop.svc":                {"10.244.0.8"},
		"10-244-0-3.shop.pod.cluster.local":     {"10.244.0.3"},
		"api":                                   {"10.96.0.1"},
		"localhost":                             {"127.0.0.1", "::1"},
		"other":                                 {"10.0.0.9"},
		"10.0.0.1":                              {"10.0.0.1"},
	} {
		found, err := lookup(background, name)
		if err != nil || !slices.Equal(found, addresses) {
			t.Errorf("%s: %v %v", name, found, err)
		}
	}
	for _, name := range []string{
		"kubernetes", "web.", "example.com", "nosuch.shop.svc", "a.b.c.d.svc.cluster.local", "",
		"x.shop.pod.cluster.local", "..", "web..shop",
	} {
		_, err := lookup(background, name)
		var missing *net.DNSError
		if !errors.As(err, &missing) || !missing.IsNotFound {
			t.Errorf("%q: %v", name, err)
		}
	}
	one.servers = nil
	if _, err := lookup(background, "web"); err == nil {
		t.Error("a pod without the cluster's DNS has found a Service")
	}
}

func TestAddressesAreUsedAgain(t *testing.T) {
	network := NewNetwork(testServices{})
	seen := map[string]bool{}
	for range 600 {
		place, err := network.newHost()
		check(t, err)
		if seen[place.address] || place.address == "10.244.0.1" {
			t.Fatal(place.address)
		}
		seen[place.address] = true
	}
	for range pods {
		place, err := network.newHost()
		if err != nil {
			break
		}
		seen[place.address] = true
	}
	if _, err := network.newHost(); err == nil {
		t.Fatal("there is an address more than all")
	}
	(&host{network: network, number: 300}).release()
	place, err := network.newHost()
	check(t, err)
	expect(t, place.address, "10.244.1.44")
}

func TestListenersAreJoined(t *testing.T) {
	one, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	other, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	all := Join(one, other)
	serve(t, all, "joined")
	for _, listener := range []net.Listener{one, other} {
		connection, err := net.Dial("tcp", listener.Addr().String())
		check(t, err)
		word := make([]byte, 6)
		connection.Read(word)
		connection.Close()
		expect(t, string(word), "joined")
	}
	check(t, all.Close())
	check(t, all.Close())
	if _, err := all.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Fatal(err)
	}
	if _, err := net.Dial("tcp", other.Addr().String()); err == nil {
		t.Fatal("a joined listener is still open")
	}
}

func TestTheReaderHasAllFiles(t *testing.T) {
	machine := NewNetwork(testServices{}).ReaderMachine()
	machine.Programs = map[string]programs.Program{
		"true": func(context.Context, *programs.Process) int { return 0 },
	}
	expect(t, machine.Files.Path("/etc/kubernetes"), "/etc/kubernetes")
	expect(t, machine.Run(background, &programs.Process{Args: []string{"true"}, Dir: "/"}), 0)
}
