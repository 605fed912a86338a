package node

import (
	"net"
	"sync"
)

// Join returns a listener of all addresses; its own is that of the first one.
func Join(listeners ...net.Listener) net.Listener {
	all := &joined{
		Listener: listeners[0], all: listeners,
		connections: make(chan net.Conn), closed: make(chan struct{}),
	}
	for _, listener := range listeners {
		go all.accept(listener)
	}
	return all
}

type joined struct {
	net.Listener
	all         []net.Listener
	connections chan net.Conn
	closed      chan struct{}
	once        sync.Once
}

func (j *joined) accept(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		select {
		case j.connections <- connection:
		case <-j.closed:
			connection.Close()
		}
	}
}

func (j *joined) Accept() (net.Conn, error) {
	select {
	case connection := <-j.connections:
		return connection, nil
	case <-j.closed:
		return nil, net.ErrClosed
	}
}

func (j *joined) Close() error {
	j.once.Do(func() {
		close(j.closed)
		for _, listener := range j.all {
			listener.Close()
		}
	})
	return nil
}

// shown is a listener that tells the address that its program has asked for.
type shown struct {
	net.Listener
	address net.Addr
}

func (s shown) Addr() net.Addr { return s.address }
