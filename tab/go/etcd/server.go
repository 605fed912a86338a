// Package etcd is an etcd v3 server that keeps everything in memory: one member, no disk,
// no accounts. It answers what kube-apiserver asks, as etcd does: reads at a revision,
// transactions, compaction, watches that resume, leases that expire. Whatever else etcd
// offers is refused with a gRPC error.
package etcd

import (
	"context"
	"net"
	"sync"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.etcd.io/etcd/api/v3/version"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/protobuf/proto"
)

const (
	// maxRequest is etcd's default for --max-request-bytes. kube-apiserver answers 500 to
	// the error.
	maxRequest = 3 << 19
	// overhead is what etcd lets gRPC receive beyond that.
	overhead = 512 << 10
)

// Server is the store and its services.
type Server struct {
	pb.UnimplementedKVServer
	pb.UnimplementedWatchServer
	pb.UnimplementedLeaseServer
	pb.UnimplementedMaintenanceServer

	// ProgressInterval is how often a silent watcher that asked for it is told the
	// revision; it is read when a watch begins.
	ProgressInterval time.Duration

	mu      sync.Mutex
	store   store
	leases  leases
	streams map[*stream]bool
}

// New returns a server with an empty store.
func New() *Server {
	return &Server{
		ProgressInterval: 10 * time.Minute,
		// etcd begins so: the first write is revision 2.
		store:   store{revision: 1, compacted: -1, versions: map[string][]*mvccpb.KeyValue{}},
		leases:  leases{keys: map[int64]map[string]bool{}},
		streams: map[*stream]bool{},
	}
}

// Serve answers on a listener until that is closed.
func (s *Server) Serve(listener net.Listener) error {
	server := grpc.NewServer(
		grpc.MaxRecvMsgSize(maxRequest+overhead),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second}),
		grpc.UnaryInterceptor(s.inTurn),
	)
	pb.RegisterKVServer(server, s)
	pb.RegisterWatchServer(server, s)
	pb.RegisterLeaseServer(server, s)
	pb.RegisterMaintenanceServer(server, s)
	return server.Serve(listener)
}

// inTurn answers a request that is known here, while it holds the store.
func (s *Server) inTurn(
	ctx context.Context, request any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler,
) (any, error) {
	message := request.(proto.Message)
	if err := check(message.ProtoReflect()); err != nil {
		return nil, err
	}
	if proto.Size(message) > maxRequest {
		return nil, rpctypes.ErrGRPCRequestTooLarge
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return handle(ctx, request)
}

// header returns the header of an answer. Answers inside a transaction have the revision
// alone, as etcd's have.
func (s *Server) header() *pb.ResponseHeader {
	return &pb.ResponseHeader{
		ClusterId: 1, MemberId: 1, RaftTerm: 1, Revision: s.store.revision,
	}
}

// Status tells the version of etcd's API that is spoken here, and a size.
func (s *Server) Status(context.Context, *pb.StatusRequest) (*pb.StatusResponse, error) {
	size := s.store.size()
	return &pb.StatusResponse{
		Header: s.header(), Version: version.Version, DbSize: size, DbSizeInUse: size,
	}, nil
}
