using System.Globalization;

namespace LoraServe.Benchmarks.Peers;

/// <summary>One measurement, which both engines make.</summary>
/// <param name="Kind">decode or prefill.</param>
/// <param name="Requests">Requests computed together.</param>
/// <param name="Adapters">Different adapters among them; 0: the base.</param>
/// <param name="Prompt">Tokens of each prompt.</param>
/// <param name="Steps">Decode steps.</param>
internal sealed record PeerCase(string Kind, int Requests, int Adapters, int Prompt, int Steps)
{
    /// <summary>Whether prompts are timed; else the tokens after them.</summary>
    public bool IsPrefill => Kind == "prefill";

    /// <summary>Tokens that are timed.</summary>
    public int Tokens => IsPrefill ? Requests * Prompt : Requests * Steps;

    /// <summary>The adapter of a request: requests of one adapter are adjacent.</summary>
    public int AdapterOf(int request) => Adapters == 0 ? -1 : request * Adapters / Requests;

    /// <summary>A token of a prompt or of a step: what is computed does not depend on which it is.</summary>
    public static int Token(int request, int position, int vocabulary) => ((position * 31) + (request * 7) + 1) % vocabulary;

    /// <summary>As one line.</summary>
    public string ToLine() => string.Create(CultureInfo.InvariantCulture, $"{Kind} {Requests} {Adapters} {Prompt} {Steps}");

    /// <summary>From such a line.</summary>
    public static PeerCase Parse(string line)
    {
        var parts = line.Split(' ');
        var numbers = parts[1..].Select(part => int.Parse(part, CultureInfo.InvariantCulture)).ToArray();
        return new PeerCase(parts[0], numbers[0], numbers[1], numbers[2], numbers[3]);
    }
}
