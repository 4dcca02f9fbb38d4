using System.Text;
using LoraServe.Api.Requests.Fields;

namespace LoraServe.Tests.Api.Requests.Fields;

/// <summary>docs/fields.md, as the table says it.</summary>
internal static class FieldsPage
{
    private const string Start =
        """
        # Fields of requests

        A field of a request is one of four:

        - **known**: the API's description (`/openapi/v1.json`, `/swagger`) says what it does;
        - **another name** of a known field, as another server calls it. Both may be sent if they say the same; otherwise the request is a 400;
        - **harmless**: it cannot change the answer, and is ignored;
        - anything else is a **400 that names the field**: `unsupported_parameter` for fields of other servers whose effect this one does not
          have, `unknown_parameter`, with the nearest known name, for the rest. Ignoring one could mean answering another question, or with another
          model.

        A field that is `null` is absent, whatever its name. A field that is not supported is accepted where its value asks for nothing; the tables
        below list these values. `model` may be `base:adapter`, with the base model's own name, too. Whole numbers may be written as `24.0`. Fields inside
        `messages`, `tools` and `documents` go to the chat template as they are. All other routes accept only their own fields.

        ## Defaults

        Where a request says nothing, these come from the model's generation_config.json: `temperature` (0 where `do_sample` is false), `top_p`,
        `top_k`, `min_p`, `repetition_penalty`, and, for `/v1/completions` alone, `max_tokens` from `max_new_tokens`. Nothing else of it is used
        for sampling (`num_beams`, `typical_p`, `length_penalty`, `bad_words_ids`, `max_length`, ...): no field here has such an effect.
        A request's own values always count.

        An answer ends at the `eos_token_id` of generation_config.json, else of config.json, and at the `eos_token` of tokenizer_config.json, as with
        vLLM; a line of the log at start says where the latter is another one. `ignore_eos` goes on after all of them. `stop` finds texts, those of
        special tokens too, though `skip_special_tokens` hides them; at most 64 texts of 1,024 characters.

        This page is tested against the server's table.

        """;

    /// <summary>The page.</summary>
    public static string Text()
    {
        var page = new StringBuilder(Start);
        foreach (var (route, rules) in FieldTable.All)
        {
            page.Append($"\n## {route}\n\n");
            Section<OtherName>(page, rules, "other name | of", rule => $"`{rule.Of}`");
            Section<Harmless>(page, rules, "harmless | why", rule => rule.Why);
            Section<Unsupported>(
                page, rules, "not supported | taken as | in its place", rule => $"{string.Join(" ", rule.Neutral.Select(json => $"`{json}`"))} | {rule.Advice}");
        }

        return page.ToString().TrimEnd('\n') + "\n";
    }

    private static void Section<T>(StringBuilder page, FieldRules rules, string head, Func<T, string> row)
        where T : FieldRule
    {
        var all = rules.All.OfType<T>().ToList();
        if (all.Count == 0) return;
        page.Append($"| {head} |\n|{string.Concat(Enumerable.Repeat("---|", head.Split('|').Length))}\n");
        foreach (var rule in all) page.Append($"| `{rule.Name}` | {row(rule)} |\n");
        page.Append('\n');
    }
}
