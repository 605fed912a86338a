package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall/js"
	"unicode/utf8"

	"k8s.io/client-go/tools/clientcmd"

	"tab/node"
	"tab/programs"
)

// home is where the reader's commands run.
const home = "/root"

// reader is the machine on which the reader's commands run, beside the cluster: it has all
// files of this program, and the names that pods know.
type reader struct {
	*programs.Machine
	*sessions
}

// sessions are by the names that JavaScript gives them.
type sessions struct {
	sync.Mutex
	byName map[string]*programs.Session
}

func newReader(network *node.Network) reader {
	machine := network.ReaderMachine()
	machine.Programs = programsFor(net.Listen)
	return reader{machine, &sessions{byName: map[string]*programs.Session{}}}
}

// keys are the files that commands of a session find in its directory.
var keys = []string{"ca.crt", "admin.crt", "admin.key"}

// session returns what the scripts with a name have in common; "" is none.
func (r reader) session(name string) (*programs.Session, error) {
	if name == "" {
		return nil, nil
	}
	r.Lock()
	defer r.Unlock()
	if known, is := r.byName[name]; is {
		return known, nil
	}
	for _, key := range keys {
		text, err := os.ReadFile(files + "/" + key)
		if err == nil {
			err = os.WriteFile(home+"/"+key, text, 0o600)
		}
		if err != nil {
			return nil, err
		}
	}
	r.byName[name] = &programs.Session{}
	return r.byName[name], nil
}

// script is a script of JavaScript's. Caller is the user of the kubeconfig, `admin` unless given;
// scripts of the same Session keep variables, functions and the directory.
type script struct{ Script, Namespace, Input, Caller, Session string }

// shellFunction returns shell(json, output, signal): a Promise of {code, status} of a bash that
// runs `script` in `namespace`, with `input`: its exit code, and the status of the response to
// its last curl, 0 without one. It calls output(text, isError). An AbortSignal, which may be left
// out, ends it.
func shellFunction(machine reader) js.Func {
	return promiseFunction(func(arguments []js.Value) any {
		request := script{Namespace: "default", Caller: "admin"}
		err := json.Unmarshal([]byte(arguments[0].String()), &request)
		if err != nil {
			return err.Error()
		}
		kubeconfig, err := kubeconfigFile(request.Caller, request.Namespace)
		if err != nil {
			return err.Error()
		}
		session, err := machine.session(request.Session)
		if err != nil {
			return err.Error()
		}
		options := "-c"
		if session != nil {
			// A command that needs what an earlier one sets says so.
			options = "-uc"
		}
		var status atomic.Int64
		arguments = append(arguments, js.Undefined())
		code := machine.run(arguments[1], arguments[2], &programs.Process{
			Args:       []string{"bash", options, request.Script},
			Env:        append(variables, "NAMESPACE="+request.Namespace, "KUBECONFIG="+kubeconfig),
			Stdin:      strings.NewReader(request.Input),
			Session:    session,
			OnTransfer: func(code int) { status.Store(int64(code)) },
		})
		return map[string]any{"code": code, "status": status.Load()}
	})
}

// variables are those of the reader's commands.
var variables = []string{"HOME=" + home, "PATH=/usr/local/bin:/usr/bin:/bin", "USER=root"}

// run runs a program until it ends, or JavaScript's signal comes; it returns the exit code.
func (r reader) run(output, signal js.Value, p *programs.Process) int {
	p.Dir, p.Machine = home, r.Machine
	standardOutput, standardError := &textWriter{output, false, nil}, &textWriter{output, true, nil}
	defer standardError.flush()
	defer standardOutput.flush()
	p.Stdout, p.Stderr = standardOutput, standardError
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if signal.Truthy() {
		if signal.Get("aborted").Bool() {
			return 130
		}
		abort := js.FuncOf(func(js.Value, []js.Value) any { cancel(); return nil })
		defer abort.Release()
		signal.Call("addEventListener", "abort", abort)
		defer signal.Call("removeEventListener", "abort", abort)
	}
	code := r.Machine.Run(ctx, p)
	if ctx.Err() != nil {
		return 130
	}
	return code
}

// textWriter passes on whole characters: JavaScript has no bytes in a text.
type textWriter struct {
	output  js.Value
	isError bool
	rest    []byte
}

func (w *textWriter) Write(bytes []byte) (int, error) {
	text := append(w.rest, bytes...)
	end := len(text)
	for back := 1; back < utf8.UTFMax && back <= len(text); back++ {
		if start := len(text) - back; utf8.RuneStart(text[start]) {
			if !utf8.FullRune(text[start:]) {
				end = start
			}
			break
		}
	}
	w.rest = slices.Clone(text[end:])
	if end > 0 {
		w.output.Invoke(string(text[:end]), w.isError)
	}
	return len(bytes), nil
}

func (w *textWriter) flush() {
	if len(w.rest) > 0 {
		w.output.Invoke(string(w.rest), w.isError)
	}
}

// kubeconfigFile returns the name of a kubeconfig of a caller and a namespace; what a reader
// has changed in it stays.
func kubeconfigFile(caller, namespace string) (string, error) {
	file := fmt.Sprintf("%s/.kube/%s-%s", home, path.Base(caller), path.Base(namespace))
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	return file, clientcmd.WriteToFile(*callersKubeconfig(caller, namespace), file)
}

// programsFor returns the tree of programs, with a kubectl that listens by a function.
func programsFor(listen node.Listen) map[string]programs.Program {
	all := programs.All()
	all["kubectl"] = kubectl(listen)
	return all
}
