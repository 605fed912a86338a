package node

import (
	"context"
	"errors"
	"io"
	"os"
	"path"
	"sync"
	"time"

	cri "k8s.io/cri-api/pkg/apis/runtime/v1"

	"tab/programs"
)

// left is how long a program may take to end when it is killed: one that computes asks whether
// it may go on.
const left = 2 * time.Second

// container is a program and its machine.
type container struct {
	id      string
	config  *cri.ContainerConfig
	sandbox *sandbox
	image   string
	machine *programs.Machine
	created int64

	// ctx is done when all of its programs are to end, with a signal as its cause.
	ctx    context.Context
	cancel context.CancelCauseFunc
	// ended is closed when the container's program has ended.
	ended chan struct{}
	// input is where attach writes, or nil.
	input *io.PipeWriter
	log   *log

	mu                sync.Mutex
	state             cri.ContainerState
	started, finished int64
	exitCode          int32
	reason, message   string
}

// CreateContainer makes a container, which StartContainer starts.
func (r *Runtime) CreateContainer(
	_ context.Context, sandboxID string, config *cri.ContainerConfig, _ *cri.PodSandboxConfig,
) (string, error) {
	pod, err := r.findSandbox(sandboxID)
	if err != nil {
		return "", err
	}
	image, isKnown := findImage(config.GetImage().GetImage())
	if !isKnown {
		return "", errors.New("the image is not here: " + config.GetImage().GetImage())
	}
	one := &container{
		id: newID(), config: config, sandbox: pod, image: image,
		created: time.Now().UnixNano(), ended: make(chan struct{}),
	}
	one.ctx, one.cancel = context.WithCancelCause(context.Background())
	files, err := newFiles(r.rootOf(one.id), config)
	if err == nil {
		err = one.writeFiles(files)
	}
	if err != nil {
		os.RemoveAll(r.rootOf(one.id))
		return "", err
	}
	one.machine = &programs.Machine{
		Hostname: pod.hostname(), Files: files, Programs: pod.programs,
		User:       userOf(config.GetLinux().GetSecurityContext()),
		LookupHost: pod.host.lookup(files), FullName: pod.host.fullName(files),
		Dial: pod.host.dial,
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.containers[one.id] = one
	return one.id, nil
}

// writeFiles writes the files that a runtime does, and makes the directory of programs.
func (c *container) writeFiles(files *containerFiles) error {
	texts := map[string]string{
		"/etc/resolv.conf": c.sandbox.resolvConf(),
		"/etc/hostname":    c.sandbox.hostname() + "\n",
	}
	for name, text := range texts {
		if files.mountOf(name) == nil {
			if err := os.WriteFile(files.Path(name), []byte(text), 0o644); err != nil {
				return err
			}
		}
	}
	if directory := files.Path(c.directory()); files.mountOf(c.directory()) == nil {
		return os.MkdirAll(directory, 0o755)
	}
	return nil
}

func (c *container) directory() string {
	if c.config.WorkingDir != "" {
		return path.Clean("/" + c.config.WorkingDir)
	}
	return "/"
}

// StartContainer starts a container's program.
func (r *Runtime) StartContainer(_ context.Context, id string) error {
	one, err := r.findContainer(id)
	if err != nil {
		return err
	}
	name := path.Join(one.sandbox.config.LogDirectory, one.config.LogPath)
	if one.log, err = openLog(name); err != nil {
		return err
	}
	words, _ := one.words()
	p := one.process(words)
	if err := one.find(p); err != nil {
		one.finish(128, "StartError", "failed to start container: "+err.Error())
		return err
	}
	output := one.log.stream("stdout")
	p.Stdout, p.Stderr = output, one.log.stream("stderr")
	if one.config.Tty {
		p.Stderr = output
	}
	var input *io.PipeReader
	if one.config.Stdin {
		input, one.input = io.Pipe()
		p.Stdin = input
	}
	one.mu.Lock()
	one.state, one.started = cri.ContainerState_CONTAINER_RUNNING, time.Now().UnixNano()
	one.mu.Unlock()
	go func() {
		code := one.machine.Run(one.ctx, p)
		if input != nil {
			input.Close()
		}
		reason := "Completed"
		if code != 0 {
			reason = "Error"
		}
		one.finish(code, reason, "")
		// What else runs in the container ends with its first program.
		one.cancel(programs.SIGKILL)
	}()
	return nil
}

// finish notes how a container's program has ended, unless that is known.
func (c *container) finish(code int, reason, message string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == cri.ContainerState_CONTAINER_EXITED {
		return
	}
	c.state, c.finished = cri.ContainerState_CONTAINER_EXITED, time.Now().UnixNano()
	if c.started == 0 {
		c.started = c.finished
	}
	c.exitCode, c.reason, c.message = int32(code), reason, message
	c.log.close()
	close(c.ended)
}

// StopContainer asks a container's program to end, and kills it after some seconds.
func (r *Runtime) StopContainer(ctx context.Context, id string, seconds int64) error {
	one, err := r.findContainer(id)
	if err != nil || !one.isRunning() {
		return nil
	}
	if _, hears := one.words(); hears {
		one.cancel(programs.SIGTERM)
	}
	select {
	case <-one.ended:
		return nil
	case <-time.After(time.Duration(seconds) * time.Second):
	case <-ctx.Done():
	}
	one.kill()
	return nil
}

// kill ends a container's programs, and waits until the first one has ended.
func (c *container) kill() {
	if !c.isRunning() {
		return
	}
	c.cancel(programs.SIGKILL)
	select {
	case <-c.ended:
	case <-time.After(left):
		c.finish(128+int(programs.SIGKILL), "Error", "")
	}
}

func (c *container) isRunning() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state == cri.ContainerState_CONTAINER_RUNNING
}

// RemoveContainer removes a container and its files; its log is the kubelet's to remove.
func (r *Runtime) RemoveContainer(_ context.Context, id string) error {
	one, err := r.findContainer(id)
	if err != nil {
		return nil
	}
	one.kill()
	one.cancel(programs.SIGKILL)
	r.mu.Lock()
	delete(r.containers, id)
	r.mu.Unlock()
	return os.RemoveAll(r.rootOf(id))
}

// ListContainers lists the containers that a filter lets through.
func (r *Runtime) ListContainers(
	_ context.Context, filter *cri.ContainerFilter,
) ([]*cri.Container, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []*cri.Container
	for id, one := range r.containers {
		wanted := filter.GetState()
		if filter.GetId() != "" && filter.GetId() != id ||
			filter.GetPodSandboxId() != "" && filter.GetPodSandboxId() != one.sandbox.id ||
			!matches(one.config.Labels, filter.GetLabelSelector()) {
			continue
		}
		one.mu.Lock()
		state := one.state
		one.mu.Unlock()
		if wanted != nil && wanted.State != state {
			continue
		}
		all = append(all, &cri.Container{
			Id: id, PodSandboxId: one.sandbox.id, Metadata: one.config.Metadata,
			Image: one.config.Image, ImageRef: imageID(one.image), ImageId: imageID(one.image),
			State: state, CreatedAt: one.created,
			Labels: one.config.Labels, Annotations: one.config.Annotations,
		})
	}
	return all, nil
}

// ContainerStatus describes a container.
func (r *Runtime) ContainerStatus(
	_ context.Context, id string, _ bool,
) (*cri.ContainerStatusResponse, error) {
	one, err := r.findContainer(id)
	if err != nil {
		return nil, err
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	return &cri.ContainerStatusResponse{Status: &cri.ContainerStatus{
		Id: id, Metadata: one.config.Metadata, State: one.state, CreatedAt: one.created,
		StartedAt: one.started, FinishedAt: one.finished, ExitCode: one.exitCode,
		Reason: one.reason, Message: one.message,
		Image:    &cri.ImageSpec{Image: one.image},
		ImageRef: imageID(one.image), ImageId: imageID(one.image),
		Labels: one.config.Labels, Annotations: one.config.Annotations,
		Mounts:  one.config.Mounts,
		LogPath: path.Join(one.sandbox.config.LogDirectory, one.config.LogPath),
		User:    &cri.ContainerUser{Linux: one.user()},
	}}, nil
}

// user returns who the container runs as.
func (c *container) user() *cri.LinuxContainerUser {
	user := c.machine.User
	return &cri.LinuxContainerUser{
		Uid: user.ID, Gid: user.Group(), SupplementalGroups: user.Groups,
	}
}

// UpdateContainerResources changes nothing: there are no limits.
func (r *Runtime) UpdateContainerResources(
	context.Context, string, *cri.ContainerResources,
) error {
	return nil
}

// ReopenContainerLog does so, as the kubelet has renamed the file.
func (r *Runtime) ReopenContainerLog(_ context.Context, id string) error {
	one, err := r.findContainer(id)
	if err != nil {
		return err
	}
	return one.log.reopen()
}
