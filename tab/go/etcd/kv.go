package etcd

import (
	"context"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
)

// maxOperations is etcd's default for --max-txn-ops.
const maxOperations = 128

// Range reads keys, at a revision if one is named.
func (s *Server) Range(_ context.Context, r *pb.RangeRequest) (*pb.RangeResponse, error) {
	if err := s.store.checkRevision(r.Revision); err != nil {
		return nil, err
	}
	answer := s.store.read(r)
	answer.Header = s.header()
	return answer, nil
}

// Txn compares, then does one of two lists of operations, all of it or nothing.
func (s *Server) Txn(_ context.Context, r *pb.TxnRequest) (*pb.TxnResponse, error) {
	if max(len(r.Compare), len(r.Success), len(r.Failure)) > maxOperations {
		return nil, rpctypes.ErrGRPCTooManyOps
	}
	answer, operations := &pb.TxnResponse{Succeeded: true}, r.Success
	for _, compare := range r.Compare {
		if compare.Target != pb.Compare_VERSION && compare.Target != pb.Compare_MOD {
			return nil, unsupported("comparison of " + compare.Target.String())
		}
		if !s.store.holds(compare) {
			answer.Succeeded, operations = false, r.Failure
		}
	}
	if err := s.checkOperations(operations); err != nil {
		return nil, err
	}
	for _, operation := range operations {
		answer.Responses = append(answer.Responses, s.do(operation))
	}
	s.commit()
	answer.Header = s.header()
	return answer, nil
}

// checkOperations says whether all can be done, before any of them is.
func (s *Server) checkOperations(operations []*pb.RequestOp) error {
	writes := 0
	for _, operation := range operations {
		lease := operation.GetRequestPut().GetLease()
		if operation.GetRequestRange() == nil {
			writes++
		}
		switch {
		case operation.Request == nil:
			return rpctypes.ErrGRPCKeyNotFound
		case writes > 1:
			return unsupported("transaction that writes twice")
		case lease != 0 && s.leases.keys[lease] == nil:
			return rpctypes.ErrGRPCLeaseNotFound
		}
		if err := s.store.checkRevision(operation.GetRequestRange().GetRevision()); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) do(operation *pb.RequestOp) *pb.ResponseOp {
	header := &pb.ResponseHeader{}
	defer func() { header.Revision = s.store.now() }()
	if put := operation.GetRequestPut(); put != nil {
		s.leases.detach(s.store.put(put.Key, put.Value, put.Lease))
		if put.Lease != 0 {
			s.leases.keys[put.Lease][string(put.Key)] = true
		}
		answer := &pb.PutResponse{Header: header}
		return &pb.ResponseOp{Response: &pb.ResponseOp_ResponsePut{ResponsePut: answer}}
	}
	if deletion := operation.GetRequestDeleteRange(); deletion != nil {
		number := s.remove(string(deletion.Key))
		answer := &pb.DeleteRangeResponse{Header: header, Deleted: number}
		response := &pb.ResponseOp_ResponseDeleteRange{ResponseDeleteRange: answer}
		return &pb.ResponseOp{Response: response}
	}
	answer := s.store.read(operation.GetRequestRange())
	return &pb.ResponseOp{Response: &pb.ResponseOp_ResponseRange{ResponseRange: answer}}
}

// remove deletes a key, and returns how many there were.
func (s *Server) remove(key string) int64 {
	before := s.store.remove(key)
	if before == nil {
		return 0
	}
	s.leases.detach(before)
	return 1
}

// commit tells the watchers what has been written.
func (s *Server) commit() {
	events := s.store.commit()
	for stream := range s.streams {
		for _, watcher := range stream.watchers {
			s.tell(stream, watcher, events)
		}
	}
}

// Compact forgets the history before a revision.
func (s *Server) Compact(
	_ context.Context, r *pb.CompactionRequest,
) (*pb.CompactionResponse, error) {
	if err := s.store.compact(r.Revision); err != nil {
		return nil, err
	}
	return &pb.CompactionResponse{Header: s.header()}, nil
}
