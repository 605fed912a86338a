package programs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// jobs are the background jobs of a shell.
type jobs struct {
	sync.Mutex
	started []*job
	ends    []context.CancelCauseFunc
	// kept are the files of <(…).
	kept []string
}

type job struct {
	pid    int
	text   string
	cancel context.CancelCauseFunc
	ended  context.Context
	code   int
}

// startJob starts a job, whose script is a word, and puts its number into $!. The job runs in
// the interpreter that called, which may be a subshell, but by a context of its own.
func (s *shell) startJob(ctx context.Context, args []string) error {
	leave, err := s.Machine.count(ctx)
	if err != nil {
		return err
	}
	handler := interp.HandlerCtx(ctx)
	cancellable, cancel := context.WithCancelCause(s.ctx)
	jobCtx := withTurns(cancellable, cancel)
	ended, end := context.WithCancelCause(cancellable)
	started := &job{text: args[1], cancel: cancel, ended: ended}
	started.pid = s.Machine.processes.add(nil, cancel)
	context.AfterFunc(ended, func() {
		leave()
		s.Machine.processes.remove(started.pid)
		// The shell's context would keep it as long as the shell runs.
		cancel(nil)
	})
	s.jobs.Lock()
	s.jobs.started = append(s.jobs.started, started)
	number := len(s.jobs.started) - 1
	s.jobs.ends = append(s.jobs.ends, end)
	s.jobs.Unlock()
	last := fmt.Sprintf("'%s' %d $?", endJob, number)
	quoted, err := syntax.Quote(last, syntax.LangBash)
	if err != nil {
		return err
	}
	script := fmt.Sprintf("{ trap %s EXIT\n(\n%s\n)\nexit $?\n} &", quoted, args[1])
	if err := handler.Builtin(jobCtx, []string{"eval", script}); err != nil {
		return err
	}
	return handler.Builtin(ctx, []string{"eval", lastJob + "=" + strconv.Itoa(started.pid)})
}

// endJob notes the exit code of a job.
func (s *shell) endJob(_ context.Context, args []string) error {
	number, _ := strconv.Atoi(args[1])
	code, _ := strconv.Atoi(args[2])
	s.jobs.Lock()
	defer s.jobs.Unlock()
	s.jobs.started[number].code = code
	s.jobs.ends[number](nil)
	return nil
}

// endJobs ends the jobs that still run when the shell ends, and removes its files.
func (s *shell) endJobs() {
	s.jobs.Lock()
	started := slices.Clone(s.jobs.started)
	s.jobs.Unlock()
	for _, job := range started {
		job.cancel(SIGTERM)
	}
	for _, name := range s.jobs.kept {
		s.Remove(name)
	}
	for _, file := range s.files {
		file.Close()
	}
}

// find returns a job by the number of its process, or as %1.
func (j *jobs) find(word string) *job {
	j.Lock()
	defer j.Unlock()
	if number, is := strings.CutPrefix(word, "%"); is {
		at, err := strconv.Atoi(number)
		if number == "" || number == "%" || number == "+" {
			at, err = len(j.started), nil
		}
		if err == nil && at >= 1 && at <= len(j.started) {
			return j.started[at-1]
		}
		return nil
	}
	for _, job := range j.started {
		if strconv.Itoa(job.pid) == word {
			return job
		}
	}
	return nil
}

// wait waits for jobs; its exit code is that of the last.
func (s *shell) wait(ctx context.Context, args []string) error {
	code := 0
	var waited []*job
	for _, word := range args[1:] {
		job := s.jobs.find(word)
		if job == nil {
			fmt.Fprintf(interp.HandlerCtx(ctx).Stderr,
				"%s: wait: pid %s is not a child of this shell\n", s.name, word)
			return interp.ExitStatus(127)
		}
		waited = append(waited, job)
	}
	if len(args) == 1 {
		s.jobs.Lock()
		waited = slices.Clone(s.jobs.started)
		s.jobs.Unlock()
	}
	for _, job := range waited {
		select {
		case <-job.ended.Done():
		case <-ctx.Done():
			return ctx.Err()
		}
		var signal Signal
		if code = job.code; errors.As(context.Cause(job.ended), &signal) {
			code = 128 + int(signal)
		}
		if len(args) == 1 {
			code = 0
		}
	}
	return status(code)
}

// kill ends jobs and other processes.
func (s *shell) kill(ctx context.Context, args []string) error {
	words := append([]string{"kill"}, args[1:]...)
	for i, word := range words {
		if job := s.jobs.find(word); job != nil && i > 0 {
			words[i] = strconv.Itoa(job.pid)
		}
	}
	process := s.at(ctx)
	process.Args = words
	return status(program(kill)(ctx, process))
}

// listJobs is `jobs`.
func (s *shell) listJobs(ctx context.Context, args []string) error {
	s.jobs.Lock()
	started := slices.Clone(s.jobs.started)
	s.jobs.Unlock()
	out := ""
	for i, job := range started {
		select {
		case <-job.ended.Done():
			continue
		default:
		}
		if len(args) > 1 && args[1] == "-p" {
			out += fmt.Sprintln(job.pid)
		} else {
			out += fmt.Sprintf("[%d]   Running                 %s &\n", i+1, job.text)
		}
	}
	return s.write(ctx, out)
}
