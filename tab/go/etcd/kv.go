package etcd

import (
	"context"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
)

// chunk is how many keys one message of a streamed range has at most.
const chunk = 500

// Range reads keys, at a revision if one is named.
func (s *Server) Range(_ context.Context, r *pb.RangeRequest) (*pb.RangeResponse, error) {
	if err := checkRange(r); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.store.checkRevision(r.Revision); err != nil {
		return nil, err
	}
	answer := s.store.read(r)
	answer.Header = s.header()
	return answer, nil
}

// RangeStream answers as Range does, in parts; the last one has header, count and more.
func (s *Server) RangeStream(
	r *pb.RangeRequest, call grpc.ServerStreamingServer[pb.RangeStreamResponse],
) error {
	answer, err := s.Range(call.Context(), r)
	if err != nil {
		return err
	}
	for ; len(answer.Kvs) > chunk; answer.Kvs = answer.Kvs[chunk:] {
		part := &pb.RangeResponse{Kvs: answer.Kvs[:chunk]}
		if err := call.Send(&pb.RangeStreamResponse{RangeResponse: part}); err != nil {
			return err
		}
	}
	return call.Send(&pb.RangeStreamResponse{RangeResponse: answer})
}

func checkRange(r *pb.RangeRequest) error {
	switch {
	case r.SortTarget != pb.RangeRequest_KEY || r.SortOrder > pb.RangeRequest_ASCEND:
		return unsupported("order but that of keys")
	case r.MinModRevision != 0 || r.MaxModRevision != 0,
		r.MinCreateRevision != 0 || r.MaxCreateRevision != 0:
		return unsupported("range by revisions")
	}
	return checkKey(r.Key)
}

// Put writes one key.
func (s *Server) Put(_ context.Context, r *pb.PutRequest) (*pb.PutResponse, error) {
	if err := checkPut(r); err != nil {
		return nil, err
	}
	if err := checkSize(r); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.checkLease(r); err != nil {
		return nil, err
	}
	answer := s.put(r)
	s.commit()
	answer.Header = s.header()
	return answer, nil
}

func checkPut(r *pb.PutRequest) error {
	if r.IgnoreValue || r.IgnoreLease {
		return unsupported("put that keeps value or lease")
	}
	return checkKey(r.Key)
}

func checkKey(key []byte) error {
	if len(key) == 0 {
		return rpctypes.ErrGRPCEmptyKey
	}
	return nil
}

// put writes at the next revision, which the caller commits.
func (s *Server) put(r *pb.PutRequest) *pb.PutResponse {
	before := s.store.put(r.Key, r.Value, r.Lease)
	s.leases.detach(before)
	s.leases.attach(string(r.Key), r.Lease)
	answer := &pb.PutResponse{Header: &pb.ResponseHeader{Revision: s.store.now()}}
	if r.PrevKv {
		answer.PrevKv = before
	}
	return answer
}

// DeleteRange deletes keys.
func (s *Server) DeleteRange(
	_ context.Context, r *pb.DeleteRangeRequest,
) (*pb.DeleteRangeResponse, error) {
	if err := checkKey(r.Key); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := s.deleteRange(r)
	s.commit()
	answer.Header = s.header()
	return answer, nil
}

func (s *Server) deleteRange(r *pb.DeleteRangeRequest) *pb.DeleteRangeResponse {
	gone := s.remove(spanOf(r.Key, r.RangeEnd))
	answer := &pb.DeleteRangeResponse{
		Header: &pb.ResponseHeader{Revision: s.store.now()}, Deleted: int64(len(gone)),
	}
	if r.PrevKv {
		answer.PrevKvs = gone
	}
	return answer
}

func (s *Server) remove(r span) []*mvccpb.KeyValue {
	gone := s.store.remove(r)
	for _, one := range gone {
		s.leases.detach(one)
	}
	return gone
}

// commit tells the watchers what has been written.
func (s *Server) commit() {
	events := s.store.commit()
	for stream := range s.streams {
		for _, one := range stream.watchers {
			s.tell(stream, one, events)
		}
	}
}

// Compact forgets the history before a revision.
func (s *Server) Compact(
	_ context.Context, r *pb.CompactionRequest,
) (*pb.CompactionResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.store.compact(r.Revision); err != nil {
		return nil, err
	}
	return &pb.CompactionResponse{Header: s.header()}, nil
}
