using System.Text;
using FsCheck;
using FsCheck.Fluent;
using LoraServe.Tests.Hosting;

namespace LoraServe.Tests.Api.Requests;

/// <summary>A request as bytes that differ from what the API's description allows, in any of the ways that there are.</summary>
/// <param name="Target">The operation that it is made from.</param>
/// <param name="Bytes">What is sent.</param>
/// <param name="IsCut">Whether it says that more follows, and nothing does.</param>
public sealed record MalformedRequest(string Target, byte[] Bytes, bool IsCut)
{
    private static readonly string[] Methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "BREW", "get"];

    // JSON, and what looks like it.
    private static readonly string[] Values =
    [
        "null", "true", "false", "0", "-1", "-0", "1", "1.5", "1e400", "-1e400", "1e-400", "2147483648", "9223372036854775808",
        "123456789012345678901234567890", "0.1e1", "01", "+1", "NaN", "nul", "'a'", "\"\"", "\"a\"", "\" \"", "\"\\ud800\"",
        "\"\\udc00\\ud800\"",
        "\"\\u0000\"", "\"\\x\"", "\"\t\"", "\"no end", "\"1\"", "\"true\"", "\"auto\"", "\"../../etc/passwd\"", "\"C:\\\\con\"",
        "\"sql@\"", "\"@\"",
        "\"a:NaN,b:1\"", "\"a:0.5,b:0.5\"", "\"known:1e308,known:1e308\"", "\"known\"", "\"{{ 1 / 0 }}\"", "\"<|end|>\"", "\"猫🦊\"", "[]",
        "{}", "[[]]",
        "[null]", "[{}]", "[1, \"a\", {}]", "[-1]", "[3000000000]", "[1e2]", "[\"\"]", "{\"a\": {\"b\": []}}", "{\"\": 1}",
        "{\"a\": 1, \"a\": 2}",
        "{\"0\": 1e99}", "{\"type\": 1}", "{\"type\": \"object\"}", "[{\"role\": 1}]",
        "[{\"role\": \"user\", \"content\": [{\"type\": \"text\"}]}]", "[", "{", "}", "]",
        $"\"{new string('x', 20_000)}\"", $"[{string.Join(',', Enumerable.Repeat("1", 5000))}]", Nested(60), Nested(70), Nested(5000),
        $"\"{Nested(3000)}\"",
    ];

    private static readonly string[] PathParts =
    [
        "known", "nobody", "..", ".", "%2e%2e", "%2F", "a%2Fb", "%00", "%ff", "%0a", "%", "%zz", "known@", "known@00", "@", "a:0.5,b:0.5",
        "%20", "~", "*", "+",
        ";x=1", "\u00e9", "%E7%8C%AB", "con", new string('x', 300), new string('x', 7000), "<script>", "{name}", "known/known", "//", "",
    ];

    private static readonly string[] QueryValues =
        ["", "true", "maybe", "1", "-1", "known", "nobody", "%zz", "%00", "%ff", "a=b", "&", "[]", "known&adapter=nobody"];

    private static readonly string[] ContentTypes =
    [
        "application/json; charset=utf-16", "text/xml", "application/x-www-form-urlencoded", "multipart/form-data",
        "multipart/form-data; boundary=", "multipart/form-data; boundary=x",
        "multipart/form-data; boundary=" + new string('b', 200), "/", ";;;", "application/octet-stream", "image/png; q=é",
    ];

    private static readonly string[] OddHeaders =
    [
        "Accept: image/png", "Accept: ;;;", "Range: bytes=0-1", "If-None-Match: *", "Expect: 100-continue", "Expect: nothing",
        "Upgrade: h2c", "Content-Encoding: gzip", "Content-Encoding: nonsense",
        "x-request-id: a b\tc", $"x-request-id: {new string('i', 500)}", "x-request-id: \u00e9", "traceparent: 00-zz",
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff",
        "Authorization: Basic !!!", "Authorization: Bearer ", "Cookie: a=b; c", "Origin: null", "Host: two.example",
        "X-Forwarded-For: \u00e9", "No Colon", ": no name", "Bad Name: x", $"X-Long: {new string('h', 40_000)}",
        "Content-Length: -1", "Content-Length: abc", "Content-Length: 99999999999999999999", "Transfer-Encoding: gzip",
        "Transfer-Encoding: chunked, identity",
    ];

    private static Gen<string> Value => Gen.Elements(Values);

    /// <summary>Requests for every operation of the description, so that new ones are covered by themselves.</summary>
    /// <param name="headers">Lines that every request has.</param>
    internal static Gen<MalformedRequest> Generator(params string[] headers) =>
        from operation in Gen.Elements(DocumentedOperation.Read().ToArray())
        from method in Gen.Frequency((8, Gen.Constant(operation.Method)), (1, Gen.Elements(Methods)))
        from path in Path(operation)
        from contentType in Gen.Frequency((5, Gen.Constant(operation.ContentType ?? "application/json")), (1, Gen.Elements(ContentTypes)))
        from odd in Gen.Frequency((5, Odd(0)), (1, Odd(1)), (1, Odd(2)))
        from body in Body(operation)
        from framed in Framed(body)
        let fixedLines = (string[])[$"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", .. headers]
        let lines = (string[])[.. fixedLines, $"Content-Type: {contentType}", .. odd, framed.Header]
        let head = Encoding.UTF8.GetBytes(string.Concat(lines.Where(line => line.Length > 0).Select(line => $"{line}\r\n")) + "\r\n")
        select new MalformedRequest($"{operation.Method} {operation.Path}", [.. head, .. framed.Body], framed.IsCut);

    public override string ToString() =>
        $"{Target}{(IsCut ? ", cut" : "")}:\n{Encoding.Latin1.GetString(Bytes.AsSpan(0, Math.Min(Bytes.Length, 4000)))}";

    private static Gen<string[]> Odd(int count) => Gen.ArrayOf(Gen.Elements(OddHeaders), count);

    private static Gen<string> Path(DocumentedOperation operation)
    {
        var path = Gen.Constant("");
        foreach (var part in operation.Path.Split('/').Skip(1))
        {
            var next = part.StartsWith('{')
                ? Gen.Frequency((2, Gen.Constant("known")), (3, Gen.Elements(PathParts)))
                : Gen.Frequency((40, Gen.Constant(part)), (1, Gen.Elements(PathParts)));
            path = path.SelectMany(start => next.Select(end => $"{start}/{end}"));
        }

        var query = from name in Gen.Elements([.. operation.Query, "adapter", "%zz", ""])
                    from value in Gen.Elements(QueryValues)
                    select $"{name}={value}";
        return path.SelectMany(start => Gen.Frequency(
            (2, Gen.Constant(start)),
            (1, query.Select(end => $"{start}?{end}")),
            (1, query.SelectMany(first => query.Select(second => $"{start}?{first}&{second}")))));
    }

    private static Gen<byte[]> Body(DocumentedOperation operation)
    {
        var plain = operation.ContentType switch
        {
            "application/json" => Json(operation),
            "multipart/form-data" => Form(operation),
            _ => Gen.ArrayOf(Gen.Choose(0, 255)).Select(bytes => Array.ConvertAll(bytes, value => (byte)value)),
        };
        return plain.SelectMany(body => Gen.Frequency(
            (8, Gen.Constant(body)),
            (1, Gen.Choose(0, 99).Select(percent => body[..(body.Length * percent / 100)])),
            (2, Gen.ArrayOf(Gen.Choose(0, Math.Max(0, body.Length - 1)), 3).Select(places => WithInvalidUtf8(body, places))),
            (1, Gen.Constant((byte[])[0xEF, 0xBB, 0xBF, .. body])),
            (1, Gen.Constant((byte[])[.. body, .. "}]"u8])),
            (1, Value.Select(Encoding.UTF8.GetBytes))));
    }

    // A good request, some of its fields left out, others added, and here and there a value that is none of theirs.
    private static Gen<byte[]> Json(DocumentedOperation operation)
    {
        var others = operation.Fields.Append((Name: "unknown", Json: "1")).ToArray();
        var all = Gen.Constant(operation.Example);
        var some = Gen.ArrayOf(Gen.Elements(true, false), operation.Example.Count)
            .Select(isKept => (IReadOnlyList<(string Name, string Json)>)[.. operation.Example.Where((_, i) => isKept[i])]);
        var values = Gen.Frequency((4, Gen.Constant<string?>(null)), (1, Value.Select(value => (string?)value)));
        return from kept in Gen.Frequency((2, all), (1, some))
               from added in Gen.ListOf(Gen.Elements(others)).Select(list => list.Take(3))
               let fields = kept.Concat(added).ToList()
               from replaced in Gen.ArrayOf(values, fields.Count)
               let json = fields.Zip(replaced, (field, value) => $"\"{field.Name}\": {value ?? field.Json}")
               select Encoding.UTF8.GetBytes($"{{{string.Join(", ", json)}}}");
    }

    private static Gen<byte[]> Form(DocumentedOperation operation) =>
        from names in Gen.ListOf(Gen.Elements([.. operation.Fields.Select(field => field.Name), "", "other", "name\r\nX: y"]))
        from values in Gen.ArrayOf(Value, names.Count)
        from end in Gen.Elements("--x--\r\n", "--x\r\n", "")
        select Encoding.UTF8.GetBytes(string.Concat(names.Zip(values, (name, value) =>
            $"--x\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{value}\"\r\n\r\n{value}\r\n")) + end);

    private static Gen<(string Header, byte[] Body, bool IsCut)> Framed(byte[] body)
    {
        byte[] chunked = [.. Encoding.ASCII.GetBytes($"{body.Length:x}\r\n"), .. body, .. "\r\n0\r\n\r\n"u8];
        return Gen.Frequency(
            (12, Gen.Constant(($"Content-Length: {body.Length}", body, false))),
            (2, Gen.Constant(("Transfer-Encoding: chunked", body.Length == 0 ? "0\r\n\r\n"u8.ToArray() : chunked, false))),
            (1, Gen.Constant(("Transfer-Encoding: chunked", (byte[])[.. "zz\r\n"u8, .. body], false))),
            (1, Gen.Constant(($"Content-Length: {body.Length + 10}", body, true))),
            (1, Gen.Constant(($"Content-Length: {body.Length / 2}", body[..(body.Length / 2)], false))),
            (1, Gen.Constant(("", body, false))));
    }

    private static byte[] WithInvalidUtf8(byte[] body, int[] places)
    {
        var changed = (byte[])body.Clone();
        foreach (var place in places.Where(place => place < body.Length)) changed[place] = (byte)(0x80 + (place % 0x80));
        return changed;
    }

    private static string Nested(int depth) => new string('[', depth) + new string(']', depth);
}
