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

// kubectlFunction returns kubectl(words, told): a Promise of the exit code. Commands run
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
		output := func(isError bool) writer {
			return func(text []byte) { given[1].Invoke(string(text), isError) }
		}
		running.Lock()
		defer running.Unlock()
		return kubectl(words, genericiooptions.IOStreams{
			In: os.Stdin, Out: output(false), ErrOut: output(true),
		})
	})
}

func kubectl(words []string, streams genericiooptions.IOStreams) (code int) {
	defer func() {
		found := recover()
		if found == nil {
			return
		}
		end, known := found.(ended)
		if !known {
			end = ended{fmt.Sprint(found), 1}
		}
		if code = end.code; end.message != "" {
			fmt.Fprintln(streams.ErrOut, strings.TrimRight(end.message, "\n"))
		}
	}()
	command := cmd.NewKubectlCommand(cmd.KubectlOptions{
		Arguments: append([]string{"kubectl"}, words...), IOStreams: streams,
		// kubectl's own, but without those of passwords, for which it would ask.
		ConfigFlags: genericclioptions.NewConfigFlags(true).
			WithDiscoveryBurst(300).WithDiscoveryQPS(50).WithWarningPrinter(streams),
	})
	command.SetArgs(words)
	command.SetIn(streams.In)
	command.SetOut(streams.Out)
	command.SetErr(streams.ErrOut)
	if command.Execute() != nil {
		return 1
	}
	return 0
}
