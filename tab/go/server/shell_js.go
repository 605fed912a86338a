package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path"
	"slices"
	"strings"
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
type reader struct{ *programs.Machine }

func newReader(network *node.Network) reader {
	machine := network.ReaderMachine()
	machine.Programs = programsFor(net.Listen)
	return reader{machine}
}

// script is a command line of JavaScript's. Caller is the user of the kubeconfig, `admin`
// unless given.
type script struct{ Script, Namespace, Input, Caller string }

// shellFunction returns shell(json, output, signal): a Promise of the exit code of a bash that
// runs `script` in `namespace`, with `input`. It calls output(text, isError). An AbortSignal,
// which may be left out, ends it.
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
		arguments = append(arguments, js.Undefined())
		return machine.run(arguments[1], arguments[2], &programs.Process{
			Args:  []string{"bash", "-c", request.Script},
			Env:   append(variables, "NAMESPACE="+request.Namespace, "KUBECONFIG="+kubeconfig),
			Stdin: strings.NewReader(request.Input),
		})
	})
}

// kubectlFunction returns kubectl(words, output, signal), as above, for one command.
func kubectlFunction(machine reader) js.Func {
	return promiseFunction(func(arguments []js.Value) any {
		words := []string{"kubectl"}
		for i := range arguments[0].Length() {
			words = append(words, arguments[0].Index(i).String())
		}
		arguments = append(arguments, js.Undefined())
		return machine.run(arguments[1], arguments[2], &programs.Process{
			Args:  words,
			Env:   append(variables, "KUBECONFIG="+files+"/config"),
			Stdin: standardInput(),
		})
	})
}

// variables are those of the reader's commands.
var variables = []string{"HOME=" + home, "PATH=/usr/local/bin:/usr/bin:/bin", "USER=root"}

// standardInput returns what JavaScript has put into the program's standard input.
func standardInput() io.Reader {
	input := js.Global().Get("fs").Get("standard").Get("bytes")
	bytes := make([]byte, input.Length())
	js.CopyBytesToGo(bytes, input)
	return strings.NewReader(string(bytes))
}

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
