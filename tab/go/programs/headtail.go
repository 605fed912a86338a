package programs

import (
	"errors"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// followInterval is how often `tail -f` looks for more.
const followInterval = 200 * time.Millisecond

var countOption = regexp.MustCompile(`^[-+]\d+$`)

// part is what head and tail show of each file.
type part struct {
	options
	count int64
	// fromOther is a count from the other end: all but the last, or from that line on.
	fromOther, isBytes bool
}

// partOf takes apart the options of head and tail; otherSign is before a count from the other
// end.
func (r *run) partOf(otherSign string) part {
	for i, word := range r.Args[1:] {
		// -5 is short for -n 5.
		if countOption.MatchString(word) && (i == 0 || r.Args[i] != "-n" && r.Args[i] != "-c") {
			words := append([]string{}, r.Args...)
			words[i+1] = "-n" + strings.TrimPrefix(word, "-")
			r.Args = words
		}
	}
	o := r.options("n,lines= c,bytes= q,quiet v,verbose f,follow F")
	show, text, unit := part{options: o, count: 10}, o.last("n"), "lines"
	if o.has("c") {
		text, show.isBytes, unit = o.last("c"), true, "bytes"
	}
	if text == "" {
		return show
	}
	show.fromOther = strings.HasPrefix(text, otherSign)
	text = strings.TrimLeft(text, "+-")
	digits := strings.TrimRight(text, "KMG")
	shift, isUnit := map[string]int{"": 0, "K": 10, "M": 20, "G": 30}[text[len(digits):]]
	count, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || !isUnit || count > math.MaxInt64>>shift {
		r.fail(1, "invalid number of %s: '%s'", unit, text)
		panic(exit{})
	}
	show.count = count << shift
	return show
}

// eachPart calls a function with each file, below its name if there are several.
func (r *run) eachPart(show part, do func(name string, in io.Reader) error) int {
	isFirst, titled := true, (len(show.operands) > 1 || show.has("v")) && !show.has("q")
	return r.eachFile(show.operands, func(name string, in io.Reader) error {
		if titled {
			if name == "-" {
				name = "standard input"
			}
			if !isFirst {
				r.print()
			}
			r.printf("==> %s <==\n", name)
			isFirst = false
		}
		return do(name, in)
	})
}

func head(r *run) int {
	r.cannotOpen = "cannot open '%s' for reading: %s"
	show := r.partOf("-")
	return r.eachPart(show, func(_ string, in io.Reader) error {
		switch {
		case show.isBytes && show.fromOther:
			bytes, err := io.ReadAll(in)
			r.out.Write(bytes[:max(0, int64(len(bytes))-show.count)])
			return err
		case show.isBytes:
			return r.copy(io.LimitReader(in, show.count))
		case show.count == 0 && !show.fromOther:
			return nil
		}
		var kept []string
		number := int64(0)
		return r.eachRaw(in, '\n', func(line string) error {
			if show.fromOther {
				if kept = append(kept, line); int64(len(kept)) > show.count {
					r.out.WriteString(kept[0])
					kept = kept[1:]
				}
				return nil
			}
			r.out.WriteString(line)
			if number++; number == show.count {
				return errStop
			}
			return nil
		})
	})
}

func tail(r *run) int {
	r.cannotOpen = "cannot open '%s' for reading: %s"
	show := r.partOf("+")
	return r.eachPart(show, func(_ string, in io.Reader) error {
		if err := r.tailOf(show, in); err != nil || !show.has("f") && !show.has("F") {
			return err
		}
		for {
			r.out.Flush()
			select {
			case <-r.ctx.Done():
				return r.ctx.Err()
			case <-time.After(followInterval):
			}
			if _, err := io.Copy(r.out, in); err != nil {
				return err
			}
		}
	})
}

func (r *run) tailOf(show part, in io.Reader) error {
	if show.isBytes {
		bytes, err := io.ReadAll(in)
		start := int64(len(bytes)) - show.count
		if show.fromOther {
			start = show.count - 1
		}
		r.out.Write(bytes[min(max(0, start), int64(len(bytes))):])
		return err
	}
	var kept []string
	number := int64(0)
	err := r.eachRaw(in, '\n', func(line string) error {
		number++
		if show.fromOther {
			if number >= show.count {
				r.out.WriteString(line)
			}
			return nil
		}
		if kept = append(kept, line); int64(len(kept)) > show.count {
			kept = kept[1:]
		}
		return nil
	})
	for _, line := range kept {
		r.out.WriteString(line)
	}
	return err
}

// tee writes its input to files and to its output.
func tee(r *run) int {
	o := r.options("a,append i p")
	writers, code := []io.Writer{r.Stdout}, 0
	for _, name := range o.operands {
		file, err := r.OpenFile(name, createFlag(o.has("a")), 0o644)
		if err != nil {
			code = r.fail(1, "%s: %s", name, reason(err))
			continue
		}
		defer file.Close()
		writers = append(writers, file)
	}
	if _, err := io.Copy(io.MultiWriter(writers...), r.in); err != nil &&
		!errors.Is(err, io.ErrClosedPipe) {
		return r.fail(1, "%s", reason(err))
	}
	return code
}
