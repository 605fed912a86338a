package etcd

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// TestAMixOfRequestsIsAnsweredAsByEtcd sends the same requests to both, chosen at random
// but the same each time, and compares every answer, error and event.
func TestAMixOfRequestsIsAnsweredAsByEtcd(t *testing.T) {
	if os.Getenv(program) == "" {
		t.Skip("no genuine etcd to compare with: name one in " + program)
	}
	const steps = 3000
	memory, etcd := inMemory(t), genuine(t)
	all := &pb.WatchCreateRequest{Key: []byte("a"), RangeEnd: []byte("z"), PrevKv: true}
	watch, _ := memory.watch(all)
	control, _ := etcd.watch(all)
	mix := mix{random: rand.New(rand.NewPCG(1, 2)), revision: 1}
	kinds := map[string]int{}
	for step := range steps {
		request := mix.next()
		actual, expected := written(memory.send(request)), written(etcd.send(request))
		if actual != expected {
			t.Fatalf("step %d, %v:\nmemory: %s\netcd:   %s", step, request, actual, expected)
		}
		kinds[fmt.Sprintf("%T", request)]++
		if now := memory.get("a", 0).Header.Revision; now > mix.revision {
			mix.revision = now
			// One answer for each revision, told before the next request.
			memory.same(written(watch.next(), nil), written(control.next(), nil))
		}
	}
	memory.same(len(kinds), 3)
	for first := mix.compacted - 1; first < min(mix.compacted+50, mix.revision); first++ {
		resumed := &pb.WatchCreateRequest{
			Key: all.Key, RangeEnd: all.RangeEnd, PrevKv: true, StartRevision: first,
		}
		watch, _ := memory.watch(resumed)
		control, _ := etcd.watch(resumed)
		answer := watch.next()
		if answer.Canceled {
			memory.same(written(answer, nil), written(control.next(), nil))
			continue
		}
		memory.same(describe(answer.Events), describe(control.events(len(answer.Events))))
	}
}

// mix makes requests about few keys, so that they meet.
type mix struct {
	random              *rand.Rand
	revision, compacted int64
}

func (m *mix) key() []byte { return []byte{byte('a' + m.random.IntN(8))} }

// past returns a revision that may be compacted, or not be there yet.
func (m *mix) past() int64 { return max(0, m.revision+2-int64(m.random.IntN(30))) }

func (m *mix) coin() bool { return m.random.IntN(2) == 0 }

func (m *mix) rangeRequest() *pb.RangeRequest {
	r := &pb.RangeRequest{
		Key: m.key(), Limit: int64(m.random.IntN(5)), KeysOnly: m.coin(),
		CountOnly: m.random.IntN(5) == 0,
	}
	if m.coin() {
		r.RangeEnd = [][]byte{{0}, m.key(), []byte("z")}[m.random.IntN(3)]
	}
	if m.coin() {
		r.Revision = m.past()
	}
	return r
}

func (m *mix) putRequest() *pb.PutRequest {
	put := &pb.PutRequest{Key: m.key(), Value: fmt.Append(nil, m.random.IntN(100))}
	if m.random.IntN(20) == 0 {
		put.Lease = 1
	}
	return put
}

func (m *mix) deleteRequest() *pb.DeleteRangeRequest {
	return &pb.DeleteRangeRequest{Key: m.key()}
}

func (m *mix) txnRequest() *pb.TxnRequest {
	write := &pb.RequestOp{Request: &pb.RequestOp_RequestPut{RequestPut: m.putRequest()}}
	if m.coin() {
		write.Request = &pb.RequestOp_RequestDeleteRange{RequestDeleteRange: m.deleteRequest()}
	}
	read := func() *pb.RequestOp {
		return &pb.RequestOp{Request: &pb.RequestOp_RequestRange{RequestRange: m.rangeRequest()}}
	}
	compare := &pb.Compare{Key: m.key(), Target: pb.Compare_VERSION}
	compare.TargetUnion = &pb.Compare_Version{Version: int64(m.random.IntN(3))}
	if m.coin() {
		compare.Target = pb.Compare_MOD
		compare.TargetUnion = &pb.Compare_ModRevision{ModRevision: m.past()}
	}
	return &pb.TxnRequest{
		Compare: []*pb.Compare{compare}[:m.random.IntN(2)],
		Success: []*pb.RequestOp{read(), write, read()},
		Failure: []*pb.RequestOp{read()},
	}
}

func (m *mix) next() proto.Message {
	switch kind := m.random.IntN(20); {
	case kind < 7:
		return m.rangeRequest()
	case kind < 19 || m.coin():
		return m.txnRequest()
	}
	compacted := m.past()
	if m.compacted < compacted && compacted <= m.revision {
		m.compacted = compacted
	}
	return &pb.CompactionRequest{Revision: compacted, Physical: true}
}

func (c client) send(request proto.Message) (proto.Message, error) {
	switch r := request.(type) {
	case *pb.RangeRequest:
		return c.Range(c.ctx, r)
	case *pb.TxnRequest:
		return c.Txn(c.ctx, r)
	}
	return c.Compact(c.ctx, request.(*pb.CompactionRequest))
}

// written returns an answer as text, without the names of cluster and member.
func written(answer proto.Message, err error) string {
	if err != nil {
		return status.Convert(err).String()
	}
	message := answer.ProtoReflect()
	header := message.Descriptor().Fields().ByName("header")
	kept := message.Get(header).Message()
	for _, name := range []protoreflect.Name{"cluster_id", "member_id", "raft_term"} {
		kept.Clear(kept.Descriptor().Fields().ByName(name))
	}
	bytes, err := proto.MarshalOptions{Deterministic: true}.Marshal(answer)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%x %v", bytes, answer)
}
