package etcd

import (
	"context"
	"maps"
	"slices"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
)

// minTTL and maxTTL are etcd's limits, in seconds; it derives the first from its default
// election timeout.
const minTTL, maxTTL = 2, 9_000_000_000

// leases has, by the number of a lease, the keys that are deleted when its time is over.
// No lease is renewed: kube-apiserver asks for a new one instead.
type leases struct {
	keys map[int64]map[string]bool
	last int64
}

// LeaseGrant makes a lease that ends after its TTL.
func (s *Server) LeaseGrant(
	_ context.Context, r *pb.LeaseGrantRequest,
) (*pb.LeaseGrantResponse, error) {
	if r.TTL > maxTTL {
		return nil, rpctypes.ErrGRPCLeaseTTLTooLarge
	}
	s.leases.last++
	id, seconds := s.leases.last, max(r.TTL, minTTL)
	s.leases.keys[id] = map[string]bool{}
	time.AfterFunc(time.Duration(seconds)*time.Second, func() { s.expire(id) })
	return &pb.LeaseGrantResponse{Header: s.header(), ID: id, TTL: seconds}, nil
}

func (s *Server) expire(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(s.leases.keys[id])) {
		s.remove(key)
	}
	delete(s.leases.keys, id)
	s.commit()
}

func (l *leases) detach(pair *mvccpb.KeyValue) {
	delete(l.keys[pair.GetLease()], string(pair.GetKey()))
}
