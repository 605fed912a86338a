package etcd

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestAReadAtARevisionFindsWhatWasThereThen(t *testing.T) {
	forEachStore(t, func(c client) {
		c.same(c.put("a", "1", 0), 2)
		c.same(c.put("a", "2", 0), 3)
		c.same(c.remove("a"), 4)
		c.same(c.remove("a"), 4)
		c.same(c.put("a", "3", 0), 5)
		pair := c.get("a", 3).Kvs[0]
		c.same(string(pair.Value), "2")
		c.same([]any{pair.CreateRevision, pair.ModRevision, pair.Version}, "[2 3 2]")
		c.same([]any{c.get("a", 4).Count, c.get("a", 4).Header.Revision}, "[0 5]")
		pair = c.get("a", 0).Kvs[0]
		c.same([]any{string(pair.Value), pair.CreateRevision, pair.Version}, "[3 5 1]")
		_, err := c.Range(c.ctx, &pb.RangeRequest{Key: []byte("a"), Revision: 6})
		c.same(err, rpctypes.ErrGRPCFutureRev)
	})
}

// update is what kube-apiserver sends for a PUT or a DELETE of an object.
func update(key string, revision int64, write *pb.RequestOp) *pb.TxnRequest {
	return &pb.TxnRequest{
		Compare: []*pb.Compare{{
			Target: pb.Compare_MOD, Key: []byte(key),
			TargetUnion: &pb.Compare_ModRevision{ModRevision: revision},
		}},
		Success: []*pb.RequestOp{write},
		Failure: []*pb.RequestOp{reads(key)},
	}
}

func puts(key, value string, lease int64) *pb.RequestOp {
	put := &pb.PutRequest{Key: []byte(key), Value: []byte(value), Lease: lease}
	return &pb.RequestOp{Request: &pb.RequestOp_RequestPut{RequestPut: put}}
}

func reads(key string) *pb.RequestOp {
	read := &pb.RangeRequest{Key: []byte(key)}
	return &pb.RequestOp{Request: &pb.RequestOp_RequestRange{RequestRange: read}}
}

func TestOnlyWhoKnowsTheLastRevisionWrites(t *testing.T) {
	forEachStore(t, func(c client) {
		for _, try := range []struct {
			revision int64
			value    string
			expected string
		}{
			{0, "made", "true 2"}, {0, "made twice", "false 2"},
			{2, "changed", "true 3"}, {2, "too late", "false 3"},
		} {
			answer, err := c.Txn(c.ctx, update("a", try.revision, puts("a", try.value, 0)))
			c.fine(err)
			c.same(fmt.Sprint(answer.Succeeded, " ", answer.Header.Revision), try.expected)
		}
		answer, err := c.Txn(c.ctx, update("a", 2, puts("a", "", 0)))
		c.fine(err)
		c.same(string(answer.Responses[0].GetResponseRange().Kvs[0].Value), "changed")
		_, err = c.Txn(c.ctx, update("a", 3, puts("a", "", 77)))
		c.same(err, rpctypes.ErrGRPCLeaseNotFound)
		c.same(string(c.get("a", 0).Kvs[0].Value), "changed")
	})
}

func TestTenThousandObjectsComeInPages(t *testing.T) {
	forEachStore(t, func(c client) {
		const objects, page = 10_000, 700
		var group sync.WaitGroup
		for first := range 16 {
			group.Go(func() {
				for i := first; i < objects; i += 16 {
					c.put(fmt.Sprintf("/pods/%05d", i), "value", 0)
				}
			})
		}
		group.Wait()
		c.same(c.put("/services/a", "", 0), objects+2)
		all := &pb.RangeRequest{Key: []byte("/pods/"), RangeEnd: []byte("/pods0")}
		next := &pb.RangeRequest{Key: all.Key, RangeEnd: all.RangeEnd, Limit: page}
		read := 0
		for {
			answer, err := c.Range(c.ctx, next)
			c.fine(err)
			c.same([]any{answer.Count, answer.More}, []any{objects - read, objects-read > page})
			for i, pair := range answer.Kvs {
				c.same(string(pair.Key), fmt.Sprintf("/pods/%05d", read+i))
			}
			read += len(answer.Kvs)
			if !answer.More {
				break
			}
			// Written between the pages, so in none of them.
			c.put(fmt.Sprintf("/pods/%05d-late", read), "", 0)
			next.Key = append(answer.Kvs[len(answer.Kvs)-1].Key, 0)
			next.Revision = objects + 2
		}
		c.same(read, objects)
		all.Revision, all.CountOnly = next.Revision, true
		answer, err := c.Range(c.ctx, all)
		c.fine(err)
		c.same([]any{answer.Count, len(answer.Kvs)}, []any{objects, 0})
	})
}

func TestAWatchResumesFromARevision(t *testing.T) {
	forEachStore(t, func(c client) {
		for i := range 5 {
			c.put("a", fmt.Sprint(i), 0)
		}
		c.put("b", "other", 0)
		c.remove("a")
		watch, created := c.watch(&pb.WatchCreateRequest{
			Key: []byte("a"), StartRevision: 5, PrevKv: true,
		})
		c.same([]any{created.Created, created.WatchId, created.Header.Revision}, "[true 0 8]")
		c.same(
			describe(watch.events(3)),
			"[PUT a=3@5 (was 2) PUT a=4@6 (was 3) DELETE a=@8 (was 4)]",
		)
		c.put("a", "live", 0)
		c.same(describe(watch.events(1)), "[PUT a=live@9]")
		ask := &pb.WatchRequest_ProgressRequest{ProgressRequest: &pb.WatchProgressRequest{}}
		c.put("b", "again", 0)
		watch.ask(&pb.WatchRequest{RequestUnion: ask})
		progress := watch.next()
		c.same([]any{progress.WatchId, progress.Header.Revision, len(progress.Events)}, "[-1 10 0]")
		cancel := &pb.WatchRequest_CancelRequest{CancelRequest: &pb.WatchCancelRequest{}}
		watch.ask(&pb.WatchRequest{RequestUnion: cancel})
		c.same(watch.next().Canceled, true)
	})
}

func TestAWatchOfALaterRevisionIsToldNothingBefore(t *testing.T) {
	forEachStore(t, func(c client) {
		watch, _ := c.watch(&pb.WatchCreateRequest{Key: []byte("a"), StartRevision: 4})
		for i := range 3 {
			c.put("a", fmt.Sprint(i), 0)
		}
		c.same(describe(watch.events(1)), "[PUT a=2@4]")
	})
}

func TestASilentWatchIsToldTheRevision(t *testing.T) {
	forEachStore(t, func(c client) {
		watch, _ := c.watch(&pb.WatchCreateRequest{Key: []byte("a"), ProgressNotify: true})
		c.put("b", "", 0)
		for {
			response := watch.next()
			c.same([]any{response.WatchId, len(response.Events)}, "[0 0]")
			// The first may have been on its way.
			if response.Header.Revision == 2 {
				return
			}
		}
	})
}

func TestWhatIsCompactedIsGone(t *testing.T) {
	forEachStore(t, func(c client) {
		for i := range 3 {
			c.put("a", fmt.Sprint(i), 0)
		}
		c.remove("a")
		c.put("a", "new", 0)
		compact := func(revision int64) error {
			r := &pb.CompactionRequest{Revision: revision, Physical: true}
			_, err := c.Compact(c.ctx, r)
			return err
		}
		c.same(compact(7), rpctypes.ErrGRPCFutureRev)
		c.fine(compact(4))
		c.same(compact(4), rpctypes.ErrGRPCCompacted)
		_, err := c.Range(c.ctx, &pb.RangeRequest{Key: []byte("a"), Revision: 3})
		c.same(err, rpctypes.ErrGRPCCompacted)
		c.same(string(c.get("a", 4).Kvs[0].Value), "2")
		watch, _ := c.watch(&pb.WatchCreateRequest{Key: []byte("a"), StartRevision: 3})
		ended := watch.next()
		c.same([]any{ended.Canceled, ended.CompactRevision}, "[true 4]")
		watch, _ = c.watch(&pb.WatchCreateRequest{
			Key: []byte("a"), StartRevision: 4, PrevKv: true,
		})
		c.same(describe(watch.events(3)), "[PUT a=2@4 DELETE a=@5 (was 2) PUT a=new@6]")
	})
}

func TestALeaseEndsWithItsKeys(t *testing.T) {
	forEachStore(t, func(c client) {
		lease, err := c.LeaseGrant(c.ctx, &pb.LeaseGrantRequest{TTL: 2})
		c.fine(err)
		c.same(lease.TTL, 2)
		watch, _ := c.watch(&pb.WatchCreateRequest{Key: []byte{0}, RangeEnd: []byte{0}})
		for _, key := range []string{"b", "kept", "a"} {
			c.put(key, "", lease.ID)
		}
		c.put("kept", "without", 0)
		began := time.Now()
		c.same(len(watch.events(4)), 4)
		c.same(describe(watch.events(2)), "[DELETE a=@6 DELETE b=@6]")
		if waited := time.Since(began); waited < time.Second {
			t.Fatalf("the lease ended after %v", waited)
		}
		c.same(c.get("kept", 0).Count, 1)
		_, err = c.Txn(c.ctx, update("a", 0, puts("a", "", lease.ID)))
		c.same(err, rpctypes.ErrGRPCLeaseNotFound)
	})
}

func TestARequestTooLargeIsRefused(t *testing.T) {
	forEachStore(t, func(c client) {
		value := strings.Repeat("x", maxRequest)
		_, err := c.Txn(c.ctx, update("a", 0, puts("a", value, 0)))
		c.same(err, rpctypes.ErrGRPCRequestTooLarge)
	})
}

func TestWhatItLacksIsRefused(t *testing.T) {
	c, key := inMemory(t), []byte("a")
	refused := map[string]error{}
	_, refused["order"] = c.Range(c.ctx, &pb.RangeRequest{
		Key: key, SortOrder: pb.RangeRequest_DESCEND,
	})
	_, refused["target"] = c.Range(c.ctx, &pb.RangeRequest{
		Key: key, SortTarget: pb.RangeRequest_MOD,
	})
	_, refused["filter"] = c.Range(c.ctx, &pb.RangeRequest{Key: key, MinModRevision: 1})
	_, refused["put"] = c.Put(c.ctx, &pb.PutRequest{Key: key})
	_, refused["delete"] = c.DeleteRange(c.ctx, &pb.DeleteRangeRequest{Key: key})
	stream, err := c.RangeStream(c.ctx, &pb.RangeRequest{Key: key})
	c.fine(err)
	_, refused["stream"] = stream.Recv()
	for name, put := range map[string]*pb.PutRequest{
		"keep value": {Key: key, IgnoreValue: true}, "keep lease": {Key: key, IgnoreLease: true},
		"put, previous": {Key: key, PrevKv: true},
	} {
		write := &pb.RequestOp{Request: &pb.RequestOp_RequestPut{RequestPut: put}}
		_, refused[name] = c.Txn(c.ctx, update("a", 0, write))
	}
	for name, deletion := range map[string]*pb.DeleteRangeRequest{
		"delete range":     {Key: key, RangeEnd: []byte("b")},
		"delete, previous": {Key: key, PrevKv: true},
	} {
		write := &pb.RequestOp{
			Request: &pb.RequestOp_RequestDeleteRange{RequestDeleteRange: deletion},
		}
		_, refused[name] = c.Txn(c.ctx, update("a", 0, write))
	}
	for name, compare := range map[string]*pb.Compare{
		"value":         {Key: key, Target: pb.Compare_VALUE},
		"greater":       {Key: key, Target: pb.Compare_MOD, Result: pb.Compare_GREATER},
		"compare range": {Key: key, Target: pb.Compare_MOD, RangeEnd: []byte("b")},
	} {
		_, refused[name] = c.Txn(c.ctx, &pb.TxnRequest{Compare: []*pb.Compare{compare}})
	}
	nested := &pb.RequestOp{Request: &pb.RequestOp_RequestTxn{RequestTxn: &pb.TxnRequest{}}}
	_, refused["nested"] = c.Txn(c.ctx, &pb.TxnRequest{Success: []*pb.RequestOp{nested}})
	twice := []*pb.RequestOp{puts("a", "", 0), puts("b", "", 0)}
	_, refused["two writes"] = c.Txn(c.ctx, &pb.TxnRequest{Success: twice})
	_, refused["lease id"] = c.LeaseGrant(c.ctx, &pb.LeaseGrantRequest{ID: 1, TTL: 9})
	_, refused["revoke"] = c.LeaseRevoke(c.ctx, &pb.LeaseRevokeRequest{ID: 1})
	for name, err := range refused {
		if status.Code(err) != codes.Unimplemented {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, create := range []*pb.WatchCreateRequest{
		{WatchId: 7}, {Fragment: true},
		{Filters: []pb.WatchCreateRequest_FilterType{pb.WatchCreateRequest_NOPUT}},
	} {
		_, answer := c.watch(create)
		c.same(answer.Canceled, true)
		c.same(strings.Contains(answer.CancelReason, "Unimplemented"), true)
	}
	c.same(c.get("a", 0).Header.Revision, 1)
}
