package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall/js"

	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/cmd"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
)

// ended is how a command of kubectl ends here, where another would end its process.
type ended struct {
	message string
	code    int
}

// pipe gives JavaScript what is written to an output.
type pipe struct {
	to     js.Value
	errors bool
}

func (p pipe) Write(text []byte) (int, error) {
	p.to.Invoke(string(text), p.errors)
	return len(text), nil
}

// kubectlFunction returns kubectl(words, onText): a Promise of the exit code. Commands run
// one after the other, as they share what kubectl keeps in variables; `-f -` is the
// standard input of the program.
func kubectlFunction() js.Func {
	os.Setenv("KUBECONFIG", files+"/config")
	cmdutil.BehaviorOnFatal(func(message string, code int) { panic(ended{message, code}) })
	var running sync.Mutex
	return promised(func(given []js.Value) any {
		words := make([]string, given[0].Length())
		for i := range words {
			words[i] = given[0].Index(i).String()
		}
		running.Lock()
		defer running.Unlock()
		return kubectl(words, genericiooptions.IOStreams{
			In: os.Stdin, Out: pipe{given[1], false}, ErrOut: pipe{given[1], true},
		})
	})
}

func kubectl(words []string, streams genericiooptions.IOStreams) (code int) {
	defer func() {
		switch found := recover().(type) {
		case nil:
		case ended:
			code = found.code
			if found.message != "" {
				fmt.Fprintln(streams.ErrOut, strings.TrimRight(found.message, "\n"))
			}
		default:
			code = 1
			fmt.Fprintln(streams.ErrOut, found)
		}
	}()
	command := cmd.NewDefaultKubectlCommandWithArgs(cmd.KubectlOptions{
		Arguments: append([]string{"kubectl"}, words...), IOStreams: streams,
		// Without those of passwords, for which it would ask.
		ConfigFlags: genericclioptions.NewConfigFlags(true),
	})
	command.SetArgs(words)
	command.SetIn(streams.In)
	command.SetOut(streams.Out)
	command.SetErr(streams.ErrOut)
	if err := command.Execute(); err != nil {
		return 1
	}
	return 0
}
