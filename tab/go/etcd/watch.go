package etcd

import (
	"errors"
	"io"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
)

// nobody is the id of a refused watcher, and of progress that is told to all of a stream.
const nobody = -1

// watcher is told the events of a range.
type watcher struct {
	id    int64
	keys  span
	first int64
	// previous: it is told what was there before an event
	previous bool
	// progress: it is told the revision when it was told nothing else for a while
	progress, silent bool
}

// stream is one call of Watch, with any number of watchers. Its answers wait in a queue
// without end, so that a slow reader holds up nobody and misses nothing.
type stream struct {
	watchers map[int64]*watcher
	nextID   int64
	queue    []*pb.WatchResponse
	wake     chan struct{}
}

func (w *stream) send(answer *pb.WatchResponse) {
	w.queue = append(w.queue, answer)
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Watch takes requests for watchers, and sends their events.
func (s *Server) Watch(
	call grpc.BidiStreamingServer[pb.WatchRequest, pb.WatchResponse],
) error {
	target := &stream{watchers: map[int64]*watcher{}, wake: make(chan struct{}, 1)}
	s.mu.Lock()
	s.streams[target] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.streams, target)
	}()
	failed := make(chan error, 1)
	go func() { failed <- s.receive(call, target) }()
	ticker := time.NewTicker(s.ProgressInterval)
	defer ticker.Stop()
	for {
		select {
		case <-call.Context().Done():
			return rpctypes.ErrGRPCWatchCanceled
		case err := <-failed:
			return err
		case <-ticker.C:
			s.tellSilent(target)
		case <-target.wake:
		}
		s.mu.Lock()
		queue := target.queue
		target.queue = nil
		s.mu.Unlock()
		for _, answer := range queue {
			if err := call.Send(answer); err != nil {
				return err
			}
		}
	}
}

// receive takes the requests of a stream. A client that sends no more may still listen.
func (s *Server) receive(
	call grpc.BidiStreamingServer[pb.WatchRequest, pb.WatchResponse], target *stream,
) error {
	for {
		request, err := call.Recv()
		if errors.Is(err, io.EOF) {
			<-call.Context().Done()
		}
		if err != nil {
			return err
		}
		s.mu.Lock()
		switch union := request.RequestUnion.(type) {
		case *pb.WatchRequest_CreateRequest:
			s.create(target, union.CreateRequest)
		case *pb.WatchRequest_CancelRequest:
			s.cancel(target, union.CancelRequest.WatchId)
		case *pb.WatchRequest_ProgressRequest:
			s.tellProgress(target)
		}
		s.mu.Unlock()
	}
}

// create adds a watcher, and tells it what has happened since its first revision.
func (s *Server) create(target *stream, r *pb.WatchCreateRequest) {
	if len(r.Key) == 0 {
		r.Key = []byte{0}
	}
	if reason := refusal(r); reason != "" {
		target.send(&pb.WatchResponse{
			Header: s.header(), WatchId: nobody, Created: true, Canceled: true,
			CancelReason: reason,
		})
		return
	}
	watcher := &watcher{
		id: target.nextID, keys: spanOf(r.Key, r.RangeEnd), first: r.StartRevision,
		previous: r.PrevKv, progress: r.ProgressNotify, silent: true,
	}
	target.nextID++
	target.send(&pb.WatchResponse{Header: s.header(), WatchId: watcher.id, Created: true})
	if watcher.first != 0 && watcher.first < s.store.compacted {
		target.send(&pb.WatchResponse{
			Header:  &pb.ResponseHeader{ClusterId: 1, MemberId: 1, RaftTerm: 1},
			WatchId: watcher.id, Canceled: true, CompactRevision: s.store.compacted,
		})
		return
	}
	target.watchers[watcher.id] = watcher
	if watcher.first != 0 {
		s.tell(target, watcher, s.store.since(watcher.first))
	}
}

// refusal returns why a watcher cannot be, in etcd's words where etcd refuses it, too.
func refusal(r *pb.WatchCreateRequest) string {
	end := string(r.RangeEnd)
	if r.StartRevision < 0 {
		return rpctypes.ErrCompacted.Error()
	}
	if end != "" && end != "\x00" && end <= string(r.Key) {
		return "mvcc: watcher range is empty"
	}
	if err := check(r.ProtoReflect()); err != nil {
		return err.Error()
	}
	return ""
}

func (s *Server) cancel(target *stream, id int64) {
	if target.watchers[id] != nil {
		delete(target.watchers, id)
		target.send(&pb.WatchResponse{Header: s.header(), WatchId: id, Canceled: true})
	}
}

// tell sends a watcher those of the events that it wants.
func (s *Server) tell(target *stream, w *watcher, events []*mvccpb.Event) {
	var matching []*mvccpb.Event
	for _, event := range events {
		if event.Kv.ModRevision < w.first || !w.keys.has(string(event.Kv.Key)) {
			continue
		}
		change := &mvccpb.Event{Type: event.Type, Kv: event.Kv}
		// What was before the compacted revision is not there any more.
		if w.previous && event.Kv.ModRevision > s.store.compacted {
			change.PrevKv = event.PrevKv
		}
		matching = append(matching, change)
	}
	if len(matching) > 0 {
		w.silent = false
		target.send(&pb.WatchResponse{Header: s.header(), WatchId: w.id, Events: matching})
	}
}

// tellProgress answers a client that asks how far its stream is; etcd says nothing to one
// without watchers, or with one that waits for a later revision.
func (s *Server) tellProgress(target *stream) {
	for _, w := range target.watchers {
		if w.first > s.store.revision {
			return
		}
	}
	if len(target.watchers) > 0 {
		target.send(&pb.WatchResponse{Header: s.header(), WatchId: nobody})
	}
}

// tellSilent tells the revision to the watchers that were told nothing since last time.
func (s *Server) tellSilent(target *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range target.watchers {
		if w.progress && w.silent && w.first <= s.store.revision {
			target.send(&pb.WatchResponse{Header: s.header(), WatchId: w.id})
		}
		w.silent = true
	}
}
