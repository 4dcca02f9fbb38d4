using System.Text;
using LoraServe.Tests.Hosting;

namespace LoraServe.Benchmarks.Hostile;

/// <summary>One request as bytes.</summary>
/// <param name="Number">Its index in the run; the request is a function of the seed and this number.</param>
/// <param name="Operation">The API operation it was made from.</param>
/// <param name="Head">Everything before the body.</param>
/// <param name="Body">The body as sent, including chunk headers.</param>
/// <param name="MayBeUnanswered">Whether head or framing are invalid HTTP, or the body exceeds any server's limit.</param>
/// <param name="IsCut">Whether the request is incomplete, so that the server would wait for the rest.</param>
internal sealed record HostileRequest(int Number, string Operation, string Head, byte[] Body, bool MayBeUnanswered, bool IsCut = false);

/// <summary>Makes invalid requests from the API description. The same number gives the same request.</summary>
/// <param name="operations">Every operation.</param>
/// <param name="folder">A valid PEFT folder.</param>
/// <param name="seed">Of all requests.</param>
/// <param name="authorization">The Authorization header with its line end, or empty.</param>
internal sealed class HostileRequests(IReadOnlyList<DocumentedOperation> operations, string folder, int seed, string authorization)
{
    private const int MostBody = 16 << 20;
    private const string Boundary = "hostile-boundary";

    // Fields that decide how much text is generated: kept small, so that a valid request is answered quickly.
    private static readonly string[] Lengths = ["max_tokens", "max_completion_tokens", "n", "best_of", "min_tokens", "ignore_eos"];

    // For path parameters: known, unknown and malformed names.
    private static readonly string[] Names = ["h1", "h2", "h3", "sql", "none", "..", "%2e%2e", "a%2Fb", "%00", "%ff", "%0a", "%E7%8C%AB", "sql@", "a:0.5,b:0.5", "{name}"];

    private static readonly string[] Heads =
    [
        "Accept: image/png", "Accept: ;;;", "Range: bytes=0-1", "Expect: 100-continue", "Expect: nothing", "Content-Encoding: gzip", "Host: a, b",
        "Origin: null", "X-Forwarded-For: ' OR 1=1", "x-request-id: \u0001", "Authorization: Bearer ls-nobody", "Authorization: Basic AAAA",
        "Content-Length: 5", "Transfer-Encoding: gzip", "Cookie: a=b", "Upgrade: h2c", "Content-Type: text/xml", "Content-Type: ;;;", " folded", "no colon",
    ];

    private static readonly string[] Chunks = ["zz", "-1", "80000000", "ffffffff", "7fffffffffffffff", "0x10", "", "1;ext=\"a\""];

    /// <summary>The request with this number.</summary>
    public HostileRequest Make(int number)
    {
        // Consecutive seeds start with similar random numbers.
        var random = new Random((int)((((uint)seed * 2654435761u) ^ ((uint)number * 2246822519u)) >> 1));
        random.Next();
        var values = new HostileValues(random);
        var operation = operations[random.Next(operations.Count)];
        // Operations without a body have little to mutate.
        if (operation.ContentType is null && random.Next(4) > 0)
            operation = operations.Where(other => other.ContentType is not null).ElementAt(random.Next(operations.Count(other => other.ContentType is not null)));
        var (type, body) = Body(operation, random, values);
        return Frame(number, operation, type, body, random, values);
    }

    private HostileRequest Frame(int number, DocumentedOperation operation, string? type, byte[] body, Random random, HostileValues values)
    {
        var mayBeUnanswered = body.Length > MostBody;
        var head = new StringBuilder($"{operation.Method} {Target(operation, random)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        head.Append(authorization).Append($"x-request-id: hostile-{number}\r\n");
        if (type is not null) head.Append($"Content-Type: {type}\r\n");
        if (random.Next(12) == 0)
        {
            mayBeUnanswered = true;
            head.Append(random.Next(6) == 0 ? $"X-Long: {new string('h', Math.Min(values.Bytes(), 1 << 17))}" : Heads[random.Next(Heads.Length)]).Append("\r\n");
        }

        switch (random.Next(14))
        {
            case 0:
                head.Append("Transfer-Encoding: chunked\r\n\r\n");
                return new HostileRequest(number, Name(operation), head.ToString(), Chunked(body, Math.Max(1, values.Bytes())), mayBeUnanswered);
            case 1:
                head.Append("Transfer-Encoding: chunked\r\n\r\n");
                byte[] wrong = [.. Encoding.ASCII.GetBytes($"{Chunks[random.Next(Chunks.Length)]}\r\n"), .. body.AsSpan(0, Math.Min(body.Length, 1 << 16))];
                return new HostileRequest(number, Name(operation), head.ToString(), wrong, MayBeUnanswered: true, IsCut: true);
            case 2:
                head.Append($"Content-Length: {body.Length / 2}\r\n\r\n");
                return new HostileRequest(number, Name(operation), head.ToString(), body[..(body.Length / 2)], mayBeUnanswered);
            default:
                if (body.Length > 0 || operation.ContentType is not null) head.Append($"Content-Length: {body.Length}\r\n");
                return new HostileRequest(number, Name(operation), head.Append("\r\n").ToString(), body, mayBeUnanswered);
        }
    }

    private static string Name(DocumentedOperation operation) => $"{operation.Method} {operation.Path}";

    private static string Target(DocumentedOperation operation, Random random)
    {
        var path = string.Join('/', operation.Path.Split('/').Select(part => part.StartsWith('{') ? Names[random.Next(Names.Length)] : part));
        if (random.Next(50) == 0) path += new string('p', random.Next(9000));
        var query = operation.Query.Where(_ => random.Next(3) == 0).Select(name => $"{name}={Query(random)}").ToList();
        return query.Count == 0 ? path : $"{path}?{string.Join('&', query)}";
    }

    private static string Query(Random random) => random.Next(8) switch
    {
        0 => "",
        1 => "-1",
        2 => "99999999999999999999",
        3 => "%00",
        4 => "%ff",
        5 => "true",
        6 => new string('q', random.Next(6000)),
        _ => "1",
    };

    private (string? Type, byte[] Body) Body(DocumentedOperation operation, Random random, HostileValues values)
    {
        switch (operation.ContentType)
        {
            case null when random.Next(3) > 0:
                return (null, []);
            case "application/octet-stream":
                return (operation.ContentType, new HostileArchives(folder, random, values).Next());
            case "multipart/form-data":
                return ($"multipart/form-data; boundary={Boundary}", Form(operation, random, values));
            default:
                var json = random.Next(8) == 0 ? values.Next() : Json(operation, random, values);
                var body = Encoding.UTF8.GetBytes(json);
                if (body.Length > 0 && random.Next(20) == 0) body[random.Next(body.Length)] = 0xFF;
                return ("application/json", random.Next(20) == 0 ? body[..random.Next(body.Length + 1)] : body);
        }
    }

    private static string Json(DocumentedOperation operation, Random random, HostileValues values)
    {
        var fields = operation.Example.ToDictionary(field => field.Name, field => field.Json, StringComparer.Ordinal);
        var known = operation.Fields.Where(field => !Lengths.Contains(field.Name)).ToList();
        for (var i = random.Next(4); i >= 0; i--)
        {
            var name = known.Count == 0 || random.Next(6) == 0 ? values.Name() : known[random.Next(known.Count)].Name;
            fields[name] = values.Next();
        }

        foreach (var (length, value) in Lengths.Zip(["2", "2", "1", "1", "0", "false"]))
            if (operation.Fields.Any(field => field.Name == length)) fields[length] = random.Next(10) == 0 ? Limit(random) : value;
        return $"{{{string.Join(',', fields.Select(field => $"\"{field.Key}\": {field.Value}"))}}}";
    }

    private static string Limit(Random random) =>
        new[] { "-1", "0", "2147483648", "9223372036854775808", "1e308", "\"a\"", "[]", "2.5", "{}" }[random.Next(9)];

    private byte[] Form(DocumentedOperation operation, Random random, HostileValues values)
    {
        var body = new MemoryStream();
        void Write(string text) => body.Write(Encoding.UTF8.GetBytes(text));
        foreach (var (name, _) in operation.Fields.Where(_ => random.Next(5) > 0).Append(("other", "")).Where(field => field.Item1 != "other" || random.Next(8) == 0))
        {
            Write($"--{Boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{HostileValues.Marker}\"\r\n\r\n");
            if (name is "file" or "files" && operation.Path.EndsWith("adapters", StringComparison.Ordinal)) body.Write(new HostileArchives(folder, random, values).Next());
            else if (name == "file") Write(string.Concat(Enumerable.Repeat($$"""{"prompt": {{values.Next()}}, "completion": 1}""" + "\n", random.Next(1, 40))));
            else if (name == "purpose") Write("fine-tune");
            else Write(name == "name" && random.Next(2) == 0 ? "h1" : values.Next());
            Write("\r\n");
        }

        if (random.Next(6) > 0) Write($"--{Boundary}--\r\n");
        return body.ToArray();
    }

    private static byte[] Chunked(byte[] body, int size)
    {
        var chunks = new MemoryStream();
        // At most 10,000 chunks, so that chunk headers do not outweigh the body.
        size = Math.Max(size, (body.Length / 10_000) + 1);
        for (var at = 0; at < body.Length; at += size)
        {
            var count = Math.Min(size, body.Length - at);
            chunks.Write(Encoding.ASCII.GetBytes($"{count:x}\r\n"));
            chunks.Write(body, at, count);
            chunks.Write("\r\n"u8);
        }

        chunks.Write("0\r\n\r\n"u8);
        return chunks.ToArray();
    }
}
