package programs

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/itchyny/gojq"
)

// keyOrders remembers in which order the keys of objects are, because jq writes them in that
// order and gojq's maps have none. For an object that is as in the input, the order is its own;
// for one that a filter has changed or made, it is that of the most similar object in the input
// or in the filter; new keys come last, sorted.
type keyOrders struct {
	exact  map[uintptr][]string
	shapes map[string][]string
	// sequences are the shapes, the newest last.
	sequences [][]string
}

// maxExact bounds the objects whose own order is kept: a watch never ends.
const maxExact = 100_000

// add remembers the order of an object.
func (o *keyOrders) add(object map[string]any, keys []string) {
	if o.exact == nil || len(o.exact) > maxExact {
		o.exact = map[uintptr][]string{}
	}
	o.exact[reflect.ValueOf(object).Pointer()] = keys
	o.addShape(keys)
}

func (o *keyOrders) addShape(keys []string) {
	if o.shapes == nil {
		o.shapes = map[string][]string{}
	}
	shape := shapeOf(keys)
	if _, isKnown := o.shapes[shape]; !isKnown && len(o.shapes) < maxExact {
		o.sequences = append(o.sequences, keys)
	}
	o.shapes[shape] = keys
}

func shapeOf(keys []string) string {
	return strings.Join(slices.Sorted(slices.Values(keys)), "\x00")
}

// keysOf returns the keys of an object in their order.
func (o *keyOrders) keysOf(object map[string]any) []string {
	has := func(keys []string) bool {
		return len(keys) == len(object) && !slices.ContainsFunc(keys, func(key string) bool {
			_, found := object[key]
			return !found
		})
	}
	if keys := o.exact[reflect.ValueOf(object).Pointer()]; has(keys) {
		return slices.Clone(keys)
	}
	var rest []string
	for key := range object {
		rest = append(rest, key)
	}
	slices.Sort(rest)
	if keys, isKnown := o.shapes[shapeOf(rest)]; isKnown {
		return slices.Clone(keys)
	}
	var keys []string
	for len(rest) > 0 {
		var best []string
		most := 0
		for _, sequence := range o.sequences {
			count := 0
			for _, key := range sequence {
				if slices.Contains(rest, key) {
					count++
				}
			}
			if count > most || count == most && count > 0 && len(sequence) < len(best) {
				best, most = sequence, count
			}
		}
		if best == nil {
			break
		}
		for _, key := range best {
			if at := slices.Index(rest, key); at >= 0 {
				keys = append(keys, key)
				rest = slices.Delete(rest, at, at+1)
			}
		}
	}
	return append(keys, rest...)
}

// keysInOrder returns the keys of an object, and the numbers of an array, as a filter does.
func (o *keyOrders) keysInOrder(value any, _ []any) any {
	keys := []any{}
	switch value := value.(type) {
	case map[string]any:
		for _, key := range o.keysOf(value) {
			keys = append(keys, key)
		}
	case []any:
		for i := range value {
			keys = append(keys, i)
		}
	default:
		return fmt.Errorf("%s has no keys", gojq.TypeOf(value))
	}
	return keys
}

// orderedFunctions are those of jq's library that see the order of keys.
const orderedFunctions = `
	def keys_unsorted: _keys_in_order;
	def to_entries: [_keys_in_order[] as $key | {key: $key, value: .[$key]}];
	def with_entries(f): to_entries | map(f) | from_entries;
	def map(f): [_in_order | f];
	def map_values(f): _in_order |= f;
	.`

// orderedIteration is what `.[]` becomes.
const orderedIteration = `
	def _in_order: if type == "object" then .[_keys_in_order[]] else .[] end;
	.`

// orderQuery remembers the orders of the objects that a filter makes, and lets it see those of
// the objects that it gets.
func (o *keyOrders) orderQuery(query *gojq.Query) error {
	eachNode(reflect.ValueOf(query), func(node any) {
		switch node := node.(type) {
		case *gojq.Object:
			var keys []string
			for _, pair := range node.KeyVals {
				if pair.Key != "" {
					keys = append(keys, strings.TrimPrefix(pair.Key, "$"))
				} else if pair.KeyString != nil {
					keys = append(keys, pair.KeyString.Str)
				}
			}
			o.addShape(slices.Compact(keys))
		case *gojq.Term:
			iterateInOrder(node)
		}
	})
	for _, source := range []string{orderedFunctions, orderedIteration} {
		definitions, err := gojq.Parse(source)
		if err != nil {
			return err
		}
		query.FuncDefs = append(definitions.FuncDefs, query.FuncDefs...)
	}
	return nil
}

// iterateInOrder puts `(term | _in_order)` in place of `term[]`.
func iterateInOrder(term *gojq.Term) {
	for {
		isIteration := func(suffix *gojq.Suffix) bool { return suffix.Iter }
		at := slices.IndexFunc(term.SuffixList, isIteration)
		if at < 0 {
			return
		}
		inner := *term
		inner.SuffixList = term.SuffixList[:at]
		call := &gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: "_in_order"}}
		*term = gojq.Term{
			Type: gojq.TermTypeQuery,
			Query: &gojq.Query{
				Left: &gojq.Query{Term: &inner}, Op: gojq.OpPipe, Right: &gojq.Query{Term: call},
			},
			SuffixList: term.SuffixList[at+1:],
		}
	}
}

// eachNode calls a function with each part of a filter, from the whole to its parts.
func eachNode(value reflect.Value, do func(node any)) {
	switch value.Kind() {
	case reflect.Pointer, reflect.Interface:
		if value.IsNil() {
			return
		}
		do(value.Interface())
		eachNode(value.Elem(), do)
	case reflect.Struct:
		for i := range value.NumField() {
			if value.Type().Field(i).IsExported() {
				eachNode(value.Field(i), do)
			}
		}
	case reflect.Slice:
		for i := range value.Len() {
			eachNode(value.Index(i), do)
		}
	}
}

// orderedDecoder reads values of JSON one after the other, as they come.
type orderedDecoder struct {
	*json.Decoder
	orders *keyOrders
	read   *readText
}

func newOrderedDecoder(in io.Reader, orders *keyOrders) *orderedDecoder {
	read := &readText{Reader: in}
	decoder := json.NewDecoder(read)
	decoder.UseNumber()
	return &orderedDecoder{decoder, orders, read}
}

// next returns the next value, io.EOF after the last.
func (d *orderedDecoder) next() (any, error) {
	d.read.drop(d.InputOffset())
	value, err := d.value()
	if err != nil && err != io.EOF {
		return nil, d.failed(err)
	}
	return value, err
}

func (d *orderedDecoder) value() (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	return d.valueOf(token)
}

func (d *orderedDecoder) valueOf(token json.Token) (any, error) {
	switch token {
	case json.Delim('['):
		items := []any{}
		for d.More() {
			item, err := d.inner()
			if err != nil {
				return nil, err
			}
			items = append(items, item)
		}
		_, err := d.innerToken()
		return items, err
	case json.Delim('{'):
		object, keys := map[string]any{}, []string{}
		for d.More() {
			key, err := d.innerToken()
			if err != nil {
				return nil, err
			}
			value, err := d.inner()
			if err != nil {
				return nil, err
			}
			name := key.(string)
			if _, isKnown := object[name]; !isKnown {
				keys = append(keys, name)
			}
			object[name] = value
		}
		_, err := d.innerToken()
		d.orders.add(object, keys)
		return object, err
	}
	if number, is := token.(json.Number); is && strings.ContainsAny(number.String(), "eE") {
		return number.Float64()
	}
	return token, nil
}

func (d *orderedDecoder) inner() (any, error) {
	token, err := d.innerToken()
	if err != nil {
		return nil, err
	}
	return d.valueOf(token)
}

// innerToken returns the next part of a value, which cannot be the end of the input.
func (d *orderedDecoder) innerToken() (json.Token, error) {
	token, err := d.Token()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return token, err
}

// parseError is an error of the input's form, in jq's words.
type parseError struct{ text string }

func (e *parseError) Error() string { return e.text }

// failed returns an error in jq's words, with the place at which jq stops.
func (d *orderedDecoder) failed(err error) error {
	var syntax *json.SyntaxError
	text := d.read.bytes
	switch {
	case errors.As(err, &syntax):
		at := max(0, min(int(syntax.Offset-d.read.start), len(text))-1)
		end, problem := at, "Invalid literal"
		for end < len(text) && isWordByte(text[end]) {
			problem = "Invalid numeric literal"
			end++
		}
		if end < len(text) {
			end++
		} else if end > at {
			problem += " at EOF"
		}
		return &parseError{fmt.Sprintf("parse error: %s at %s", problem, d.read.place(end))}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &parseError{
			"parse error: Unfinished JSON term at EOF at " + d.read.place(len(text)),
		}
	}
	return err
}

func isWordByte(letter byte) bool {
	return letter >= 0x80 || strings.IndexByte(" \t\r\n[]{},:\"", letter) < 0
}

// readText keeps what was read of a value, for the place of an error.
type readText struct {
	io.Reader
	bytes []byte
	// start is where the bytes begin in the input, which is after these lines and columns.
	start         int64
	lines, column int
}

func (r *readText) Read(bytes []byte) (int, error) {
	count, err := r.Reader.Read(bytes)
	r.bytes = append(r.bytes, bytes[:count]...)
	return count, err
}

// drop forgets what is before an offset.
func (r *readText) drop(offset int64) {
	count := int(offset - r.start)
	r.lines, r.column = r.count(count)
	r.bytes, r.start = slices.Clone(r.bytes[count:]), offset
}

func (r *readText) count(end int) (lines, column int) {
	lines, column = r.lines, r.column
	for _, letter := range r.bytes[:end] {
		if column++; letter == '\n' {
			lines, column = lines+1, 0
		}
	}
	return lines, column
}

// place returns line and column after some of the bytes.
func (r *readText) place(end int) string {
	lines, column := r.count(end)
	return fmt.Sprintf("line %d, column %d", lines+1, column)
}

// newLineDecoder returns lines as values, for -R.
func newLineDecoder(in io.Reader) func() (any, error) {
	reader := bufio.NewReader(in)
	return func() (any, error) {
		line, err := reader.ReadString('\n')
		if line != "" {
			return strings.TrimSuffix(line, "\n"), nil
		}
		return nil, err
	}
}

// newWholeDecoder returns a function that returns all of a file, then io.EOF.
func newWholeDecoder(in io.Reader) func() (any, error) {
	isRead := false
	return func() (any, error) {
		if isRead {
			return nil, io.EOF
		}
		isRead = true
		text, err := io.ReadAll(in)
		return string(text), err
	}
}
