using System.Text.Json;
using LoraServe.Text.Faults;

namespace LoraServe.Api.Requests.Fields;

/// <summary>
/// The meaning of fields that are not a request's own. An unknown field is refused: ignoring it could answer another
/// question than was asked.
/// </summary>
internal sealed class FieldRules
{
    private readonly Dictionary<string, FieldRule> _rules;

    /// <param name="rules">Of two rules for the same field, the later counts.</param>
    public FieldRules(params IEnumerable<FieldRule> rules)
    {
        _rules = new Dictionary<string, FieldRule>(StringComparer.Ordinal);
        foreach (var rule in rules) _rules[rule.Name] = rule;
    }

    /// <summary>For requests with only their own fields.</summary>
    public static FieldRules None { get; } = new();

    /// <summary>All rules, by name.</summary>
    public IEnumerable<FieldRule> All => _rules.Values.OrderBy(rule => rule.Name, StringComparer.Ordinal);

    /// <summary>Other names of a field.</summary>
    public IEnumerable<string> OtherNames(string field) => _rules.Values.OfType<OtherName>().Where(rule => rule.Of == field).Select(rule => rule.Name);

    /// <summary>The rule for a field; null if it is unknown.</summary>
    public FieldRule? Find(string name) => _rules.GetValueOrDefault(name);

    /// <summary>Rejects a field that is neither one of the request's own nor harmless.</summary>
    /// <param name="name">The field, with the part that holds it.</param>
    /// <param name="value">Its value, not null.</param>
    /// <param name="known">The request's own fields, as <paramref name="name"/> is written.</param>
    /// <param name="faults">Receives the fault.</param>
    public void Check(string name, JsonElement value, IEnumerable<string> known, RequestFaults faults)
    {
        switch (Find(name))
        {
            case Harmless:
                return;
            case Unsupported rule:
                if (rule.IsNeutral(value)) return;
                var advice = rule.Advice.Length > 0 ? $": {rule.Advice}" : "";
                faults.Add(new RequestFault(
                    name, $"is not supported by this server, found {FaultText.Show(value)}{advice}", "unsupported_parameter"));
                return;
            default:
                var nearest = NearName.Find(name, known.Concat(_rules.Values.OfType<OtherName>().Select(rule => rule.Name)));
                var question = nearest is null ? "" : $"; did you mean {nearest}?";
                faults.Add(new RequestFault(
                    name, $"is not a field of this request, found {FaultText.Show(value)}{question}", "unknown_parameter"));
                return;
        }
    }
}
