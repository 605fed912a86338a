package node

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"path"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	internalapi "k8s.io/cri-api/pkg/apis"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/cri-streaming/pkg/streaming"
	"k8s.io/klog/v2"

	"tab/programs"
)

// streamAddress is where exec, attach and port-forward are served for the kubelet. No pod
// reaches it: it is on the loopback of this process.
const streamAddress = "127.0.0.1:10350"

// Runtime is a container runtime behind the kubelet's interface (CRI). A container is a program
// of package programs, in goroutines, with files, environment and a network of its own. Of the
// interface, what the kubelet asks for only with cgroups, checkpoints or events is not here.
type Runtime struct {
	internalapi.RuntimeService
	network *Network
	// programsFor returns the programs of a machine that listens by a function.
	programsFor func(Listen) map[string]programs.Program
	// directory has the files of containers.
	directory  string
	streams    streaming.Server
	mu         sync.Mutex
	sandboxes  map[string]*sandbox
	containers map[string]*container
}

// NewRuntime returns a runtime without containers, and serves its streams.
func NewRuntime(
	network *Network, programsFor func(Listen) map[string]programs.Program,
) (*Runtime, error) {
	r := newRuntime(network, programsFor, "/var/lib/containers")
	config := streaming.DefaultConfig
	config.Addr = streamAddress
	var err error
	if r.streams, err = streaming.NewServer(config, streamer{r}); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", streamAddress)
	if err != nil {
		return nil, err
	}
	go func() {
		err := (&http.Server{Handler: r.streams}).Serve(listener)
		klog.ErrorS(err, "exec, attach and port-forward have ended")
	}()
	return r, nil
}

func newRuntime(
	network *Network, programsFor func(Listen) map[string]programs.Program, directory string,
) *Runtime {
	return &Runtime{
		network: network, programsFor: programsFor, directory: directory,
		sandboxes: map[string]*sandbox{}, containers: map[string]*container{},
	}
}

// newID returns one as other runtimes make them.
func newID() string {
	bytes := make([]byte, 32)
	rand.Read(bytes)
	return fmt.Sprintf("%x", bytes)
}

func (r *Runtime) findSandbox(id string) (*sandbox, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if found := r.sandboxes[id]; found != nil {
		return found, nil
	}
	return nil, status.Errorf(codes.NotFound, "an error occurred when try to find sandbox: "+
		"sandbox %q not found", id)
}

func (r *Runtime) findContainer(id string) (*container, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if found := r.containers[id]; found != nil {
		return found, nil
	}
	return nil, status.Errorf(codes.NotFound, "an error occurred when try to find container: "+
		"container %q not found", id)
}

// containersOf returns the containers of a sandbox.
func (r *Runtime) containersOf(sandboxID string) (all []*container) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range r.containers {
		if one.sandbox.id == sandboxID {
			all = append(all, one)
		}
	}
	return all
}

// rootOf returns the directory of a container's own files.
func (r *Runtime) rootOf(id string) string { return path.Join(r.directory, id) }

// matches reports whether labels are those of a selector.
func matches(labels, selector map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return true
}

// Version says what runtime this is.
func (r *Runtime) Version(context.Context, string) (*cri.VersionResponse, error) {
	return &cri.VersionResponse{
		Version: "0.1.0", RuntimeName: Name, RuntimeVersion: "1.0.0", RuntimeApiVersion: "v1",
	}, nil
}

// Status says that containers can run, and have a network.
func (r *Runtime) Status(context.Context, bool) (*cri.StatusResponse, error) {
	return &cri.StatusResponse{
		Status: &cri.RuntimeStatus{Conditions: []*cri.RuntimeCondition{
			{Type: cri.RuntimeReady, Status: true}, {Type: cri.NetworkReady, Status: true},
		}},
		RuntimeHandlers: []*cri.RuntimeHandler{{Features: &cri.RuntimeHandlerFeatures{}}},
		Features:        &cri.RuntimeFeatures{},
	}, nil
}

// RuntimeConfig has nothing to say of cgroups.
func (r *Runtime) RuntimeConfig(context.Context) (*cri.RuntimeConfigResponse, error) {
	return &cri.RuntimeConfigResponse{}, nil
}

// UpdateRuntimeConfig takes the range of pods' addresses, which is ours already.
func (r *Runtime) UpdateRuntimeConfig(context.Context, *cri.RuntimeConfig) error { return nil }

// Close does nothing: the service is no connection.
func (r *Runtime) Close(context.Context) error { return nil }

// ContainerStats, ListContainerStats, PodSandboxStats and ListPodSandboxStats measure nothing.
func (r *Runtime) ContainerStats(context.Context, string) (*cri.ContainerStats, error) {
	return &cri.ContainerStats{}, nil
}

func (r *Runtime) ListContainerStats(
	context.Context, *cri.ContainerStatsFilter,
) ([]*cri.ContainerStats, error) {
	return nil, nil
}

func (r *Runtime) PodSandboxStats(context.Context, string) (*cri.PodSandboxStats, error) {
	return &cri.PodSandboxStats{}, nil
}

func (r *Runtime) ListPodSandboxStats(
	context.Context, *cri.PodSandboxStatsFilter,
) ([]*cri.PodSandboxStats, error) {
	return nil, nil
}
