package etcd

import (
	"slices"
	"sort"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
)

// span is a range of keys: `key` alone if `end` is empty, all from `key` on if it is "\0".
type span struct{ key, end string }

func spanOf(key, end []byte) span { return span{string(key), string(end)} }

func (r span) has(key string) bool {
	switch r.end {
	case "":
		return key == r.key
	case "\x00":
		return key >= r.key
	}
	return r.key <= key && key < r.end
}

// store holds the versions of all keys since the last compaction. A transaction writes
// versions of the next revision, and `commit` makes that the present one. A version never
// changes, so answers share it.
type store struct {
	revision, compacted int64
	// keys that have versions, sorted
	keys []string
	// versions of each key by time; a deletion has Version 0
	versions map[string][]*mvccpb.KeyValue
	// history has the events from the compacted revision on, pending those to commit.
	history, pending []*mvccpb.Event
}

// now returns the revision that a read sees, with what the transaction has written.
func (s *store) now() int64 {
	if len(s.pending) > 0 {
		return s.revision + 1
	}
	return s.revision
}

// at returns a key as it was at a revision, nil where it was not there.
func (s *store) at(key string, revision int64) *mvccpb.KeyValue {
	for _, version := range slices.Backward(s.versions[key]) {
		if version.ModRevision > revision {
			continue
		}
		if version.Version == 0 {
			return nil
		}
		return version
	}
	return nil
}

// find returns what was in a range at a revision, sorted by key.
func (s *store) find(r span, revision int64) []*mvccpb.KeyValue {
	first := sort.SearchStrings(s.keys, r.key)
	var pairs []*mvccpb.KeyValue
	for _, key := range s.keys[first:] {
		if !r.has(key) {
			break
		}
		if version := s.at(key, revision); version != nil {
			pairs = append(pairs, version)
		}
	}
	return pairs
}

// checkRevision says whether a read at a revision can be answered; 0 is the present.
func (s *store) checkRevision(revision int64) error {
	switch {
	case revision > s.revision:
		return rpctypes.ErrGRPCFutureRev
	case 0 < revision && revision < s.compacted:
		return rpctypes.ErrGRPCCompacted
	}
	return nil
}

// read answers a request whose revision was checked.
func (s *store) read(r *pb.RangeRequest) *pb.RangeResponse {
	revision := r.Revision
	if revision <= 0 {
		revision = s.now()
	}
	pairs := s.find(spanOf(r.Key, r.RangeEnd), revision)
	answer := &pb.RangeResponse{
		Header: &pb.ResponseHeader{Revision: s.now()}, Count: int64(len(pairs)),
	}
	if r.CountOnly {
		return answer
	}
	if r.Limit > 0 && answer.Count > r.Limit {
		pairs, answer.More = pairs[:r.Limit], true
	}
	if r.KeysOnly {
		for i, version := range pairs {
			// etcd answers from its index, which knows no leases.
			pairs[i] = &mvccpb.KeyValue{
				Key: version.Key, CreateRevision: version.CreateRevision,
				ModRevision: version.ModRevision, Version: version.Version,
			}
		}
	}
	answer.Kvs = pairs
	return answer
}

// put writes a key, and returns what it was before.
func (s *store) put(key, value []byte, lease int64) *mvccpb.KeyValue {
	next := s.revision + 1
	before := s.at(string(key), next)
	version := &mvccpb.KeyValue{
		Key: key, Value: value, Lease: lease,
		ModRevision: next, CreateRevision: next, Version: 1,
	}
	if before != nil {
		version.CreateRevision, version.Version = before.CreateRevision, before.Version+1
	}
	s.add(mvccpb.Event_PUT, version, before)
	return before
}

// remove deletes a key, and returns what it was before.
func (s *store) remove(key string) *mvccpb.KeyValue {
	before := s.at(key, s.now())
	if before != nil {
		version := &mvccpb.KeyValue{Key: before.Key, ModRevision: s.revision + 1}
		s.add(mvccpb.Event_DELETE, version, before)
	}
	return before
}

func (s *store) add(kind mvccpb.Event_EventType, version, before *mvccpb.KeyValue) {
	key := string(version.Key)
	if len(s.versions[key]) == 0 {
		s.keys = slices.Insert(s.keys, sort.SearchStrings(s.keys, key), key)
	}
	s.versions[key] = append(s.versions[key], version)
	s.pending = append(s.pending, &mvccpb.Event{Type: kind, Kv: version, PrevKv: before})
}

// commit makes what was written the present, and returns its events.
func (s *store) commit() []*mvccpb.Event {
	events := s.pending
	s.revision, s.pending = s.now(), nil
	s.history = append(s.history, events...)
	return events
}

// since returns the events from a revision on.
func (s *store) since(revision int64) []*mvccpb.Event {
	return s.history[sort.Search(len(s.history), func(i int) bool {
		return s.history[i].Kv.ModRevision >= revision
	}):]
}

// compact forgets what no read at a revision or later needs.
func (s *store) compact(revision int64) error {
	switch {
	case revision <= s.compacted:
		return rpctypes.ErrGRPCCompacted
	case revision > s.revision:
		return rpctypes.ErrGRPCFutureRev
	}
	s.compacted = revision
	s.keys = slices.DeleteFunc(s.keys, func(key string) bool {
		remaining := s.versions[key]
		for len(remaining) > 1 && remaining[1].ModRevision <= revision {
			remaining = remaining[1:]
		}
		if remaining[0].ModRevision <= revision && remaining[0].Version == 0 {
			remaining = remaining[1:]
		}
		// A copy, so that the memory of the others is free.
		s.versions[key] = slices.Clone(remaining)
		if len(remaining) == 0 {
			delete(s.versions, key)
		}
		return len(remaining) == 0
	})
	s.history = slices.Clone(s.since(revision))
	return nil
}

// size returns the bytes of all versions.
func (s *store) size() int64 {
	var bytes int
	for _, versions := range s.versions {
		for _, version := range versions {
			bytes += len(version.Key) + len(version.Value)
		}
	}
	return int64(bytes)
}

// holds says whether a comparison is true; a key that is not there has zeros.
func (s *store) holds(c *pb.Compare) bool {
	version := s.at(string(c.Key), s.revision)
	if c.Target == pb.Compare_VERSION {
		return version.GetVersion() == c.GetVersion()
	}
	return version.GetModRevision() == c.GetModRevision()
}
