using System.Text;

namespace LoraServe.Benchmarks.Hostile;

/// <summary>JSON values that are invalid for any field, or valid but far too large, from one byte to megabytes.</summary>
/// <param name="random">Chooses the values.</param>
internal sealed class HostileValues(Random random)
{
    /// <summary>Part of texts sent in bodies. No valid name contains it, and it must not appear in the log.</summary>
    public const string Marker = "Quetzalcoatlus northropi";

    /// <summary>Maximum bytes of a value.</summary>
    public const int MostBytes = 15 << 20;

    private const int UsualBytes = 1 << 14;
    private const int MostDepth = 200_000;

    private static readonly string[] Small =
    [
        "null", "true", "false", "0", "-1", "-0", "1", "2", "1.5", "1e400", "-1e400", "1e-400", "1e308", "2147483647", "2147483648", "4294967296",
        "9223372036854775807", "9223372036854775808", "-9223372036854775808", "123456789012345678901234567890", "0.1e1", "01", "NaN", "\"\"", "\" \"",
        "\"auto\"", "\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\\u0000\"", "\"\\u202e\\u2066\"", "\"\\x\"", "\"no end", "\"../../etc/passwd\"",
        "\"sql\"", "\"sql@\"", "\"sql:1e308,sql:1e308\"", "\"a:NaN,b:1\"", "\"{{ 1 / 0 }}\"", "\"{% for i in range(999999999) %}x{% endfor %}\"", "[]",
        "{}", "[[]]", "[null]", "[-1]", "[3000000000]", "[\"\"]", "{\"\": 1}", "{\"a\": 1, \"a\": 2}", "{\"\\ud800\": 1}", "{\"type\": 1}", "[", "{", "]",
    ];

    private static readonly string[] Items =
    [
        "1", "-1", "1.5", "null", "{}", "[]", "\"\"", $"\"{Marker}\"", $$"""{"role": "{{Marker}}"}""", $$"""{"role": "user", "content": "{{Marker}}"}""",
        $$"""{"role": "user", "content": [{"type": "{{Marker}}"}]}""", $$"""{"role": "assistant", "tool_calls": [1, {}, {"function": 1}]}""",
        $$"""{"type": "function", "function": {"name": "{{Marker}}", "strict": true} }""", $$"""{"name": "{{Marker}}", "weight": 1e308}""",
    ];

    /// <summary>A value as JSON text, possibly truncated.</summary>
    public string Next()
    {
        if (random.Next(3) == 0) return Small[random.Next(Small.Length)];
        var bytes = Bytes();
        return random.Next(7) switch
        {
            0 => Text(bytes, Marker + " "),
            1 => Text(bytes, random.Next(2) == 0 ? "a" : "\\ud83e\\udd8a"),
            2 => Text(bytes, random.Next(3) switch { 0 => "\\ud800", 1 => "\\u202e\\u0007", _ => "猫" }),
            3 => Nested(Math.Min(bytes, MostDepth)),
            4 => Names(bytes),
            _ => List(bytes, Items[random.Next(Items.Length)]),
        };
    }

    /// <summary>The name of an unknown field.</summary>
    public string Name() => random.Next(4) switch
    {
        0 => $"{Marker} {random.Next(1000)}",
        1 => new string('n', Math.Min(Bytes(), 1 << 20)),
        2 => "\\ud800",
        _ => "unknown",
    };

    /// <summary>A random size in bytes: up to 16 KiB, and one time in ten up to <see cref="MostBytes"/>.</summary>
    public int Bytes()
    {
        var most = random.Next(10) == 0 ? MostBytes : UsualBytes;
        return (int)Math.Exp(random.NextDouble() * Math.Log(most));
    }

    private static string Text(int bytes, string piece) => $"\"{Repeat(piece, bytes / Encoding.UTF8.GetByteCount(piece))}\"";

    private static string List(int bytes, string item) => $"[{Repeat($"{item},", bytes / (item.Length + 1))}{item}]";

    private static string Nested(int depth) => new string('[', depth / 2) + new string(']', depth / 2);

    private static string Names(int bytes)
    {
        var text = new StringBuilder("{");
        for (var i = 0; text.Length < bytes; i++) text.Append('"').Append(Marker).Append(i).Append("\":").Append(i % 3 - 1).Append(',');
        return text.Append("\"z\":1}").ToString();
    }

    private static string Repeat(string piece, int count) => new StringBuilder().Insert(0, piece, Math.Max(0, count)).ToString();
}
