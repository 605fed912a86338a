package etcd

import (
	"context"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMain runs the tests or, if flags say where to listen, the store in place of etcd's
// own program, for a cluster of this machine. Its other flags are about disks, members and
// elections, which it has not.
func TestMain(m *testing.M) {
	clients := listen("listen-client-urls")
	if clients == nil {
		os.Exit(m.Run())
	}
	if health := listen("listen-metrics-urls"); health != nil {
		http.HandleFunc("/health", func(http.ResponseWriter, *http.Request) {})
		go func() { log.Fatal(http.Serve(health, nil)) }()
	}
	log.Fatal(New().Serve(clients))
}

// listen returns the listener of a flag, or nil where it is not given.
func listen(flag string) net.Listener {
	for _, word := range os.Args[1:] {
		url, isFlag := strings.CutPrefix(word, "--"+flag+"=")
		if !isFlag {
			continue
		}
		network, address := "tcp", strings.TrimPrefix(url, "http://")
		if path, local := strings.CutPrefix(url, "unix://"); local {
			network, address = "unix", path
		}
		// The cluster holds a port open until the component has it.
		config := net.ListenConfig{Control: func(network, _ string, c syscall.RawConn) error {
			return c.Control(func(fd uintptr) {
				if network != "unix" {
					unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
				}
			})
		}}
		listener, err := config.Listen(context.Background(), network, address)
		if err != nil {
			log.Fatal(err)
		}
		return listener
	}
	return nil
}
