package etcd

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// program names the genuine etcd that every test of `each` asks the same; tab/tests does.
const program = "ETCD"

// interval is how often silent watchers are told the revision; etcd's least is 100 ms.
const interval = 200 * time.Millisecond

// client asks one server.
type client struct {
	pb.KVClient
	pb.WatchClient
	pb.LeaseClient
	t   *testing.T
	ctx context.Context
}

// forEachStore runs a test on an empty store in memory and, where one is named, an empty etcd.
func forEachStore(t *testing.T, test func(client)) {
	t.Run("memory", func(t *testing.T) { test(inMemory(t)) })
	if os.Getenv(program) != "" {
		t.Run("genuine", func(t *testing.T) { test(genuine(t)) })
	}
}

func inMemory(t *testing.T) client {
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	server := New()
	server.ProgressInterval = interval
	go server.Serve(listener)
	return dial(t, socket)
}

func genuine(t *testing.T) client {
	directory := t.TempDir()
	url := func(name string) string { return fmt.Sprintf("unix://%s/%s:0", directory, name) }
	command := exec.Command(
		os.Getenv(program), "--data-dir="+directory+"/data", "--log-level=error",
		"--listen-client-urls="+url("s"), "--listen-peer-urls="+url("p"),
		"--advertise-client-urls=http://localhost:0", "--unsafe-no-fsync",
		"--initial-advertise-peer-urls=http://localhost:0",
		"--initial-cluster=default=http://localhost:0",
		"--watch-progress-notify-interval="+interval.String(),
	)
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		command.Process.Kill()
		command.Wait()
	})
	return dial(t, directory+"/s:0")
}

func dial(t *testing.T, socket string) client {
	connection, err := grpc.NewClient(
		"unix:"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(
			grpc.WaitForReady(true), grpc.MaxCallRecvMsgSize(1<<30),
		),
	)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(func() {
		cancel()
		connection.Close()
	})
	return client{
		pb.NewKVClient(connection), pb.NewWatchClient(connection),
		pb.NewLeaseClient(connection), t, ctx,
	}
}

// write does one thing in a transaction, and returns the revision.
func (c client) write(operation *pb.RequestOp) int64 {
	c.t.Helper()
	answer, err := c.Txn(c.ctx, &pb.TxnRequest{Success: []*pb.RequestOp{operation}})
	c.fine(err)
	return answer.Header.Revision
}

func (c client) put(key, value string, lease int64) int64 {
	c.t.Helper()
	return c.write(puts(key, value, lease))
}

func (c client) remove(key string) int64 {
	c.t.Helper()
	gone := &pb.DeleteRangeRequest{Key: []byte(key)}
	return c.write(&pb.RequestOp{
		Request: &pb.RequestOp_RequestDeleteRange{RequestDeleteRange: gone},
	})
}

func (c client) get(key string, revision int64) *pb.RangeResponse {
	c.t.Helper()
	answer, err := c.Range(c.ctx, &pb.RangeRequest{Key: []byte(key), Revision: revision})
	c.fine(err)
	return answer
}

func (c client) fine(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// same fails unless two values are written the same.
func (c client) same(actual, expected any) {
	c.t.Helper()
	if fmt.Sprint(actual) != fmt.Sprint(expected) {
		c.t.Fatalf("%v is not %v", actual, expected)
	}
}

// reading is an open watch.
type reading struct {
	pb.Watch_WatchClient
	client
}

// watch asks for a watcher, and returns once the server has answered.
func (c client) watch(r *pb.WatchCreateRequest) (reading, *pb.WatchResponse) {
	c.t.Helper()
	stream, err := c.Watch(c.ctx)
	c.fine(err)
	w := reading{stream, c}
	w.ask(&pb.WatchRequest{RequestUnion: &pb.WatchRequest_CreateRequest{CreateRequest: r}})
	return w, w.next()
}

func (w reading) ask(r *pb.WatchRequest) {
	w.t.Helper()
	w.fine(w.Send(r))
}

func (w reading) next() *pb.WatchResponse {
	w.t.Helper()
	answer, err := w.Recv()
	w.fine(err)
	return answer
}

// events reads a number of events, however they are grouped.
func (w reading) events(number int) (actual []*mvccpb.Event) {
	w.t.Helper()
	for len(actual) < number {
		actual = append(actual, w.next().Events...)
	}
	return actual
}

// describe returns events in short: "put a=1@2 (was 0)".
func describe(events []*mvccpb.Event) (short []string) {
	for _, event := range events {
		pair := event.Kv
		text := fmt.Sprintf("%s %s=%s@%d", event.Type, pair.Key, pair.Value, pair.ModRevision)
		if event.PrevKv != nil {
			text += fmt.Sprintf(" (was %s)", event.PrevKv.Value)
		}
		short = append(short, text)
	}
	return short
}
