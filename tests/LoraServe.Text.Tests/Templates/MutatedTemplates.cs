using System.Diagnostics;
using System.Text;
using System.Text.Json;
using LoraServe.Text.Templates;
using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Tests.Templates;

/// <summary>
/// Templates and variables changed at random. Whatever comes of it, compiling and rendering end soon, with a text or with one of the two
/// exceptions that say what is wrong; any other exception gets out of <see cref="Run"/>.
/// </summary>
internal sealed class MutatedTemplates(IReadOnlyList<string> templates, IReadOnlyList<JsonElement> contexts)
{
    private const int MaxLength = 20_000;

    // What templates are made of, and what goes wrong with it.
    private static readonly string[] Pieces =
    [
        "{{", "}}", "{%", "%}", "{#", "#}", "{%-", "-%}", "{{-", "-}}", "{% raw %}", "{% endraw %}", "{% if x %}", "{% elif true %}", "{% else %}",
        "{% endif %}", "{% for m in messages %}", "{% for i in range(99999) %}", "{% for a, b in tools %}", "{% endfor %}", "{% break %}", "{% continue %}",
        "{% set x = [x, x] %}", "{% set x = x ~ x %}", "{% set x %}", "{% endset %}", "{% set ns = namespace(a='a') %}", "{% set ns.a = ns.a * 9 %}",
        "{% set ns.a = [ns.a, ns.a] %}", "{% macro f(a, b=f) %}", "{% endmacro %}", "{{ f(f) }}", "{% call f(x) %}", "{% endcall %}",
        "{% filter upper %}", "{% endfilter %}", "{% generation %}", "{% endgeneration %}", "{% for i in x recursive %}", "{{ loop(x) }}",
        "{{ loop.length }}", "loop.cycle(1, 2)", "|tojson", "|tojson(indent=9)", "|length", "|join(x)", "|sort", "|unique|list", "|map('upper')|list",
        "|replace('', x)", "|center(99999999)", "|indent(99999)", "|batch(9)|list", "|slice(99999)|list", "|groupby('role')", "|int", "|round(999)",
        "|urlencode", "|format(x, 1)", "'%999999d' % 1", "'%s' % x", ".split('')", ".split()", ".replace('a', 'aaaa')", ".join(x)", "['x']", "[::-1]",
        "[1:]", "[-1]", ".x", ".items()", ".role", ".__class__", " and ", " or ", " not ", " in ", " is ", " is defined", " if ", " else ", " ~ ",
        " + ", " - ", " * ", " / ", " // ", " % ", " ** ", " == ", " < ", "(", ")", "[", "]", "{", "}", ",", ":", "'", "\"", "\\", "|", ".", "=",
        "x", "messages", "tools", "none", "true", "0", "1", "-1", "9223372036854775807", "1e308", "'a' * 999999999", "10 ** 18", "\n", "  ", "é", "👍", "\0",
    ];

    /// <summary>How the runs ended.</summary>
    public int Rendered { get; private set; }

    /// <inheritdoc cref="Rendered"/>
    public int NotCompiled { get; private set; }

    /// <inheritdoc cref="Rendered"/>
    public int NotRendered { get; private set; }

    /// <summary>How long the slowest took, and what it was.</summary>
    public (TimeSpan Time, string Template) Slowest { get; private set; } = (TimeSpan.Zero, "");

    /// <summary>Compiles and renders what the seed decides.</summary>
    public void Run(int seed)
    {
        var random = new Random(seed);
        var template = Mutate(random, templates[random.Next(templates.Count)]);
        var context = Context(random);
        var start = Stopwatch.GetTimestamp();
        try
        {
            ChatTemplate.Compile(template).Render(context, RenderedTemplate.Now, TimeProvider.System);
            Rendered++;
        }
        catch (InvalidChatTemplateException)
        {
            NotCompiled++;
        }
        catch (ChatTemplateException)
        {
            NotRendered++;
        }

        var time = Stopwatch.GetElapsedTime(start);
        if (time > Slowest.Time) Slowest = (time, template);
    }

    private string Mutate(Random random, string template)
    {
        var text = new StringBuilder(template);
        for (var i = random.Next(1, 1 << random.Next(1, 4)); i > 0; i--)
        {
            var place = random.Next(text.Length + 1);
            var length = Math.Min(text.Length - place, random.Next(1, 1 << random.Next(1, 8)));
            switch (random.Next(6))
            {
                case 0: text.Remove(place, length); break;
                case 1: text.Insert(place, Pieces[random.Next(Pieces.Length)]); break;
                case 2: text.Remove(place, length).Insert(place, Pieces[random.Next(Pieces.Length)]); break;
                case 3: Repeat(text, place, text.ToString(place, length), random.Next(1, 1 << random.Next(1, 10))); break;
                case 4:
                    var other = templates[random.Next(templates.Count)];
                    var start = random.Next(other.Length + 1);
                    text.Insert(place, other.AsSpan(start, random.Next(other.Length - start + 1)));
                    break;
                default:
                    var moved = text.ToString(place, length);
                    text.Remove(place, length);
                    text.Insert(random.Next(text.Length + 1), moved);
                    break;
            }

            if (text.Length > MaxLength) text.Length = MaxLength;
        }

        return text.ToString();
    }

    private static void Repeat(StringBuilder text, int place, string part, int count)
    {
        for (var i = 0; i < count && text.Length < MaxLength; i++) text.Insert(place, part);
    }

    private Dictionary<string, object> Context(Random random)
    {
        var json = contexts[random.Next(contexts.Count)];
        var context = json.EnumerateObject().ToDictionary(variable => variable.Name, variable => InputValues.Of(variable.Value));
        foreach (var name in (string[])[.. context.Keys, "x"])
            if (random.Next(name == "x" ? 1 : 8) == 0) context[name] = Value(random, depth: 0);
        return context;
    }

    private static object Value(Random random, int depth)
    {
        switch (random.Next(depth > 4 ? 6 : 8))
        {
            case 0: return None.Value;
            case 1: return Flag.Of(random.Next(2) == 0);
            case 2: return (long)random.Next(-10, 1000);
            case 3: return random.NextDouble() * 1e6;
            case 4: return Pieces[random.Next(Pieces.Length)];
            case 5: return new string((char)random.Next(32, 0x3000), 1 << random.Next(12));
            case 6: return new ListValue([.. Enumerable.Range(0, random.Next(6)).Select(_ => Value(random, depth + 1))]);
            default:
                var dict = new DictValue();
                for (var i = random.Next(6); i > 0; i--) dict.Set(random.Next(2) == 0 ? "role" : Pieces[random.Next(Pieces.Length)], Value(random, depth + 1));
                return dict;
        }
    }
}
