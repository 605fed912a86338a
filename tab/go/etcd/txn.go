package etcd

import (
	"context"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
)

// maxOperations is etcd's default for --max-txn-ops.
const maxOperations = 128

// Txn compares, then does one of two lists of operations, all of it or nothing.
func (s *Server) Txn(_ context.Context, r *pb.TxnRequest) (*pb.TxnResponse, error) {
	if err := checkTxn(r); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := &pb.TxnResponse{Succeeded: true}
	for _, compare := range r.Compare {
		answer.Succeeded = answer.Succeeded && s.store.holds(compare)
	}
	operations := r.Failure
	if answer.Succeeded {
		operations = r.Success
	}
	for _, operation := range operations {
		if err := s.checkPossible(operation); err != nil {
			return nil, err
		}
	}
	for _, operation := range operations {
		answer.Responses = append(answer.Responses, s.do(operation))
	}
	s.commit()
	answer.Header = s.header()
	return answer, nil
}

func checkTxn(r *pb.TxnRequest) error {
	if max(len(r.Compare), len(r.Success), len(r.Failure)) > maxOperations {
		return rpctypes.ErrGRPCTooManyOps
	}
	for _, c := range r.Compare {
		switch {
		case len(c.Key) == 0:
			return rpctypes.ErrGRPCEmptyKey
		case c.Target != pb.Compare_VERSION && c.Target != pb.Compare_MOD,
			c.Result != pb.Compare_EQUAL, len(c.RangeEnd) > 0:
			return unsupported("comparison but of a key's version or revision with =")
		}
	}
	for _, operations := range [][]*pb.RequestOp{r.Success, r.Failure} {
		if err := checkOperations(operations); err != nil {
			return err
		}
	}
	return checkSize(r)
}

func checkOperations(operations []*pb.RequestOp) error {
	writes := 0
	for _, operation := range operations {
		var err error
		switch one := operation.Request.(type) {
		case *pb.RequestOp_RequestRange:
			err = checkRange(one.RequestRange)
		case *pb.RequestOp_RequestPut:
			writes++
			err = checkPut(one.RequestPut)
		case *pb.RequestOp_RequestDeleteRange:
			writes++
			err = checkKey(one.RequestDeleteRange.Key)
		case *pb.RequestOp_RequestTxn:
			err = unsupported("transaction in a transaction")
		default:
			err = rpctypes.ErrGRPCKeyNotFound
		}
		if err != nil {
			return err
		}
	}
	if writes > 1 {
		return unsupported("transaction that writes twice")
	}
	return nil
}

// checkPossible says whether an operation can be done, before any of them is.
func (s *Server) checkPossible(operation *pb.RequestOp) error {
	if put := operation.GetRequestPut(); put != nil {
		return s.checkLease(put)
	}
	return s.store.checkRevision(operation.GetRequestRange().GetRevision())
}

func (s *Server) do(operation *pb.RequestOp) *pb.ResponseOp {
	switch one := operation.Request.(type) {
	case *pb.RequestOp_RequestPut:
		put := s.put(one.RequestPut)
		return &pb.ResponseOp{Response: &pb.ResponseOp_ResponsePut{ResponsePut: put}}
	case *pb.RequestOp_RequestDeleteRange:
		gone := s.deleteRange(one.RequestDeleteRange)
		return &pb.ResponseOp{
			Response: &pb.ResponseOp_ResponseDeleteRange{ResponseDeleteRange: gone},
		}
	}
	found := s.store.read(operation.GetRequestRange())
	return &pb.ResponseOp{Response: &pb.ResponseOp_ResponseRange{ResponseRange: found}}
}

// holds says whether a comparison is true; a key that is not there has zeros.
func (s *store) holds(c *pb.Compare) bool {
	one := s.at(string(c.Key), s.revision)
	if c.Target == pb.Compare_VERSION {
		return one.GetVersion() == c.GetVersion()
	}
	return one.GetModRevision() == c.GetModRevision()
}
