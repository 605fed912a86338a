// In place of etcd's own program, so that a cluster of this machine runs on the store:
// it takes the flags that say where to listen. The others are about disks, members and
// elections, which it has not.
package main

import (
	"context"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"tab/etcd"
)

func main() {
	clients := listen("listen-client-urls")
	if health := listen("listen-metrics-urls"); health != nil {
		http.HandleFunc("/health", func(http.ResponseWriter, *http.Request) {})
		go func() { log.Fatal(http.Serve(health, nil)) }()
	}
	if clients == nil {
		log.Fatal("--listen-client-urls is missing, such as http://127.0.0.1:2379")
	}
	log.Fatal(etcd.New().Serve(clients))
}

// listen returns the listener of a flag, or nil where it is not given.
func listen(flag string) net.Listener {
	for _, word := range os.Args[1:] {
		url, given := strings.CutPrefix(word, "--"+flag+"=")
		if !given {
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
