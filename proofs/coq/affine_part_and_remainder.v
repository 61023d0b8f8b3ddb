(** * The local error from the field's affine part and what is left

    Statement.   f(u) = f(y) + A(u − y) + ρ(u), ‖Au‖ ≤ α‖u‖, Lip ρ ≤ K_ρ, ρ(y) = 0, v = ‖f(y)‖, c the largest speed on
                 the step. For every n from which on bᵀ𝒜^n = 0, the number of stages or more: ‖Ψ_h(y) − φ_h(y)‖ ≤
                 v Σ_{m<n} α^m h^{m+1} |bᵀ𝒜^m𝟙 − 1/(m+1)!| + α^n c h^{n+1}/(n+1)! + K_ρ(c h² κ_b + h Σ |b_j| E_j)
                 + K_ρ Σ_{0<m<n} α^m (c h^{m+2}/(m+2)! + h^{m+1} Σ |bᵀ𝒜^m|_j S_j), E_j the distance of stage j from
                 the flow, S_j that from y. As n → ∞ the second term vanishes and the sums are the series of theory.
    Assumptions. any normed space; A is linear; the split holds on the step's flow and stages, and K_ρ between them; the
                 forcing ρ(φ_s(y)) has iterated primitives from 0, as in every complete space; any consistent explicit
                 tableau, nodes from 0 to 1; h ≥ 0
    Source.      theory, section 8
    Verdict.     proved as stated
    Theorems.    affine_part_and_remainder, powers_end_with_the_stages *)

From Coq Require Import Reals Lra Lia Psatz QArith Qreals List.
From NatrobProofs Require Import normed_space mean_value butcher_tableau tableaus runge_kutta quadrature_defect.
From NatrobProofs Require Import local_error perturbed_recursion affine_series.
Import ListNotations.
Open Scope R_scope.
Open Scope vector_scope.

Section Remainder.

Variable V : NormedSpace.
Variable f rho A : V -> V.
Variable alpha K_rho : R.
Variable inside : V -> Prop.
Variable y : V.
Hypothesis A_adds : forall p q, A (p ⊕ q) = A p ⊕ A q.
Hypothesis A_scales : forall a p, A (a • p) = a • A p.
Hypothesis A_bounded : forall p, ‖A p‖ <= alpha * ‖p‖.
Hypothesis alpha_nonnegative : 0 <= alpha.
Hypothesis K_rho_nonnegative : 0 <= K_rho.
Hypothesis y_inside : inside y.
Hypothesis split : forall z, inside z -> f z = f y ⊕ A (z ⊖ y) ⊕ rho z.
Hypothesis rho_lipschitz : forall p q, inside p -> inside q -> ‖rho p ⊖ rho q‖ <= K_rho * ‖p ⊖ q‖.

Variable u : R -> V.
Variable primitive : nat -> R -> V.
Variable h c : R.
Hypothesis forward : 0 <= h.
Hypothesis start : u 0 = y.
Hypothesis solves : forall s, 0 <= s <= h -> has_derivative V u s (f (u s)).
Hypothesis flow_inside : forall s, 0 <= s <= h -> inside (u s).
Hypothesis speed : forall s, 0 <= s <= h -> ‖f (u s)‖ <= c.
Hypothesis speed_nonnegative : 0 <= c.
Hypothesis primitive_starts : forall m, primitive m 0 = zero.
Hypothesis primitive_of_forcing : forall s, 0 <= s <= h -> has_derivative V (primitive O) s (rho (u s)).
Hypothesis primitive_of_primitive : forall m s, 0 <= s <= h -> has_derivative V (primitive (S m)) s (primitive m s).

Lemma rho_at_start : rho y = zero.
Proof.
  pose proof (split y y_inside) as own. replace (y ⊖ y) with (zero : V) in own by (symmetry; apply add_opposite).
  rewrite (A_zero V A A_scales), add_zero in own. apply (add_cancels V (f y)). rewrite <- own, add_zero. reflexivity.
Qed.

Lemma forcing_from_start : forall p, inside p -> ‖rho p‖ <= K_rho * ‖p ⊖ y‖.
Proof.
  intros p p_inside. pose proof (rho_lipschitz p y p_inside y_inside) as bound. rewrite rho_at_start in bound.
  replace (rho p ⊖ zero) with (rho p) in bound by vector. exact bound.
Qed.

(** ** The stages *)

Lemma combined_of_prefix : forall row known more, length row = length known ->
  combined V row (known ++ more) = combined V row known.
Proof.
  induction row as [|a row step]; intros [|k known] more same; simpl in *; try discriminate;
    [destruct more; reflexivity|].
  rewrite step by lia. reflexivity.
Qed.

Lemma evaluations_balanced : forall t remaining known, rows_fit (length known) remaining ->
  Forall inside (map fst (evaluations V (fun _ => f) t h y remaining known)) ->
  balanced V A (f y) h (known ++ map snd (evaluations V (fun _ => f) t h y remaining known)) (map snd remaining)
    (map rho (map fst (evaluations V (fun _ => f) t h y remaining known)))
    (map snd (evaluations V (fun _ => f) t h y remaining known)).
Proof.
  intro t. induction remaining as [|[node row] rest step]; intros known fits stays; simpl; [exact I|].
  simpl in fits. destruct fits as [as_long [_ fits]].
  pose proof (Forall_inv stays) as point_inside. pose proof (Forall_inv_tail stays) as others. simpl in point_inside.
  set (point := y ⊕ h • combined V row known) in *.
  split.
  - rewrite combined_of_prefix by assumption. rewrite (split point point_inside). f_equal. f_equal. f_equal.
    unfold point. set (sum := combined V row known). vector.
  - replace (known ++ f point :: map snd (evaluations V (fun _ => f) t h y rest (known ++ [f point])))
      with ((known ++ [f point]) ++ map snd (evaluations V (fun _ => f) t h y rest (known ++ [f point])))
      by (rewrite <- app_assoc; reflexivity).
    apply step; [rewrite app_length, Nat.add_comm; exact fits|exact others].
Qed.

(** Distances of two lists of states, one by one. *)
Definition distances_within (bounds : list R) (ps qs : list V) : Prop := slopes_within V 1 1 bounds ps qs.

Lemma remainders_within : forall bounds ps qs, Forall inside ps -> Forall inside qs -> distances_within bounds ps qs ->
  slopes_within V K_rho 1 bounds (map rho ps) (map rho qs).
Proof.
  unfold distances_within. induction bounds as [|e bounds step]; intros [|p ps] [|q qs] in_p in_q within; simpl in *;
    try contradiction; [exact I|].
  destruct within as [head tail].
  split; [|apply step; [exact (Forall_inv_tail in_p)|exact (Forall_inv_tail in_q)|exact tail]].
  apply Rle_trans with (1 := rho_lipschitz p q (Forall_inv in_p) (Forall_inv in_q)).
  pose proof (Rmult_le_compat_l K_rho _ _ K_rho_nonnegative head). lra.
Qed.

Lemma combined_of_zeros : forall beta (ps : list V), combined V beta (map (fun _ => zero) ps) = zero.
Proof.
  induction beta as [|a beta step]; intros [|p ps]; simpl; try reflexivity.
  rewrite step, scale_of_zero, add_zero. reflexivity.
Qed.

Lemma remainders_from_start : forall beta bounds ps, Forall inside ps ->
  distances_within bounds ps (map (fun _ => y) ps) ->
  ‖combined V beta (map rho ps)‖ <= K_rho * total magnitude beta bounds.
Proof.
  intros beta bounds ps in_p within.
  assert (Forall inside (map (fun _ => y) ps)) as starts by (clear - y_inside; induction ps; simpl; auto).
  pose proof (combined_difference V K_rho 1 beta bounds _ _ (remainders_within _ _ _ in_p starts within)) as difference.
  assert (map rho (map (fun _ => y) ps) = map (fun _ => zero) ps) as nothing.
  { rewrite map_map. apply map_ext. intro. apply rho_at_start. }
  rewrite nothing, combined_of_zeros in difference.
  replace (combined V beta (map rho ps) ⊖ zero) with (combined V beta (map rho ps)) in difference
    by (set (sum := combined V beta (map rho ps)); vector).
  lra.
Qed.

(** ** Term by term *)

Section Step.

Variable tableau : Tableau.
Variable t : R.
Variable from_flow from_start : list R.
Let points : list V := map fst (evaluations V (fun _ => f) t h y (stages tableau) []).
Let rows : list (list Q) := map snd (stages tableau).
Let flow_states : list V := map (fun node => u (h * Q2R node)) (map fst (stages tableau)).
Hypothesis consistency : consistent tableau.
Hypothesis nodes : nodes_up_to 1 tableau.
Hypothesis points_inside : Forall inside points.
Hypothesis near_flow : distances_within from_flow points flow_states.
Hypothesis near_start : distances_within from_start points (map (fun _ => y) points).

(** What the forcing contributes at A^m *)
Definition forcing_term (tableau : Tableau) (from_flow from_start : list R) (m : nat) : R :=
  match m with
  | O => K_rho * c * h ^ 2 * quadrature_constant (map fst (stages tableau)) (weights tableau) 1
      + h * (K_rho * total magnitude (weights tableau) from_flow)
  | S _ => K_rho * c * (h ^ S (S m) / INR (fact (S (S m))))
      + h ^ S m * (K_rho * total magnitude (through_powers m (weights tableau) (map snd (stages tableau))) from_start)
  end.

Definition series_term (tableau : Tableau) (from_flow from_start : list R) (m : nat) : R :=
  alpha ^ m * (‖f y‖ * (h ^ S m * Rabs (weight_sum (through_powers m (weights tableau) (map snd (stages tableau)))
                                          (map snd (stages tableau)) - 1 / INR (fact (S m))))
    + forcing_term tableau from_flow from_start m).

Lemma solves_split : forall s, 0 <= s <= h -> has_derivative V u s (f y ⊕ A (u s ⊖ y) ⊕ rho (u s)).
Proof.
  intros s between. rewrite <- split by (apply flow_inside; assumption). apply solves. assumption.
Qed.

Lemma speed_split : forall s, 0 <= s <= h -> ‖f y ⊕ A (u s ⊖ y) ⊕ rho (u s)‖ <= c.
Proof.
  intros s between. rewrite <- split by (apply flow_inside; assumption). apply speed. assumption.
Qed.

Lemma node_between : forall node, 0 <= Q2R node <= 1 -> 0 <= h * Q2R node <= h.
Proof.
  intros node [low high]. split; [apply Rmult_le_pos; assumption|].
  rewrite <- (Rmult_1_r h) at 2. apply Rmult_le_compat_l; assumption.
Qed.

Lemma forcing_is_lipschitz : lipschitz_slope V (fun s => rho (u s)) (K_rho * c) 0 (h * 1).
Proof.
  intros r s from order to. apply Rle_trans with (K_rho * ‖u s ⊖ u r‖).
  - apply rho_lipschitz; apply flow_inside; lra.
  - rewrite Rmult_assoc. apply Rmult_le_compat_l; [assumption|].
    apply (move_at_most V u (fun s => f (u s))); [assumption|..]; intros moment between;
      [apply solves|apply speed]; lra.
Qed.

Lemma forcing_differs : forall m,
  ‖h ^ S m • combined V (through_powers m (weights tableau) rows) (map rho points) ⊖ primitive m h‖
    <= forcing_term tableau from_flow from_start m.
Proof.
  intros [|m].
  - destruct consistency as [_ [as_long total_is]]. destruct nodes as [_ on_nodes]. cbn [through_powers forcing_term].
    pose proof (quadrature_defect V (primitive O) (fun s => rho (u s)) h (K_rho * c) 1 (map fst (stages tableau))
      (weights tableau) 1 forward (Rmult_le_pos _ _ K_rho_nonnegative speed_nonnegative)) as defect.
    specialize (defect ltac:(intros s between; apply primitive_of_forcing; lra) forcing_is_lipschitz on_nodes
      ltac:(rewrite Q2R_one; lra)
      ltac:(rewrite height_of_row by (rewrite map_length; exact as_long); apply Qeq_eqR; exact total_is)).
    rewrite Q2R_one, Rmult_1_r, primitive_starts in defect.
    assert (Forall inside flow_states) as states_inside.
    { unfold flow_states. apply Forall_forall. intros state member. apply in_map_iff in member.
      destruct member as [node [image origin]]. subst state. apply flow_inside, node_between.
      exact (proj1 (Forall_forall _ _) on_nodes node origin). }
    pose proof (combined_difference V K_rho 1 (weights tableau) from_flow _ _
      (remainders_within _ _ _ points_inside states_inside near_flow)) as difference.
    assert (map rho flow_states = map (fun node => rho (u (h * Q2R node))) (map fst (stages tableau))) as same
      by (unfold flow_states; rewrite (map_map _ rho); reflexivity).
    rewrite same in difference.
    set (exact := combined V (weights tableau)
      (map (fun node => rho (u (h * Q2R node))) (map fst (stages tableau)))) in *.
    set (sum := combined V (weights tableau) (map rho points)) in *. set (end_value := primitive 0 h) in *.
    replace (h ^ 1 • sum ⊖ end_value) with (h • (sum ⊖ exact) ⊕ (h • exact ⊖ (end_value ⊖ zero)))
      by (replace (h ^ 1) with h by ring; vector).
    apply Rle_trans with (1 := norm_triangle _ _ _). rewrite norm_scale, Rabs_right by lra.
    pose proof (Rmult_le_compat_l h _ _ forward difference). lra.
  - cbn [forcing_term]. fold rows. set (beta := through_powers (S m) (weights tableau) rows).
    pose proof (remainders_from_start beta from_start points points_inside near_start) as sums.
    pose proof (primitive_at V A (f y) y u (fun s => rho (u s)) primitive h c start solves_split speed_split
      primitive_starts primitive_of_forcing primitive_of_primitive K_rho K_rho_nonnegative
      ltac:(intros s between; apply forcing_from_start, flow_inside; assumption) (S m) h ltac:(lra)) as exact.
    set (sum := combined V beta (map rho points)) in *. set (end_value := primitive (S m) h) in *.
    apply Rle_trans with (1 := norm_triangle _ _ _). rewrite norm_opposite, norm_scale.
    rewrite Rabs_right by (apply Rle_ge, pow_le; assumption).
    pose proof (Rmult_le_compat_l (h ^ S (S m)) _ _ (pow_le _ _ forward) sums). lra.
Qed.

Lemma sums_differ : forall n,
  ‖numerical_sum V A (f y) h (weights tableau) rows (map rho points) n ⊖ exact_sum V A (f y) primitive n h‖
    <= sum_below (series_term tableau from_flow from_start) n.
Proof.
  induction n as [|n step]; [simpl; rewrite add_opposite, norm_zero; lra|].
  cbn [numerical_sum exact_sum sum_below].
  set (beta := through_powers n (weights tableau) rows).
  pose proof (forcing_differs n) as forcing. fold beta in forcing.
  set (num := numerical_sum V A (f y) h (weights tableau) rows (map rho points) n) in *.
  set (ex := exact_sum V A (f y) primitive n h) in *. set (sum := combined V beta (map rho points)) in *.
  set (sigma := weight_sum beta rows). set (last := primitive n h) in *.
  set (term := (h ^ S n * (sigma - 1 / INR (fact (S n)))) • f y ⊕ (h ^ S n • sum ⊖ last)).
  replace ((num ⊕ power V A n (h ^ S n • (sigma • f y ⊕ sum)))
      ⊖ (ex ⊕ power V A n ((1 * (h ^ S n / INR (fact (S n)))) • f y ⊕ last)))
    with ((num ⊖ ex) ⊕ power V A n term).
  2: { replace term with (h ^ S n • (sigma • f y ⊕ sum) ⊕ (-1) • ((1 * (h ^ S n / INR (fact (S n)))) • f y ⊕ last)).
       - rewrite power_adds, (power_scales V A A_scales n (-1)) by assumption.
         set (first := power V A n (h ^ S n • (sigma • f y ⊕ sum))).
         set (second := power V A n ((1 * (h ^ S n / INR (fact (S n)))) • f y ⊕ last)). vector.
       - unfold term. pose proof (INR_fact_neq_0 (S n)) as nonzero. set (count := INR (fact (S n))) in *.
         set (hn := h ^ S n). set (start_slope := f y). unfold Rdiv. vector. }
  apply Rle_trans with (1 := norm_triangle _ _ _). apply Rplus_le_compat; [exact step|].
  apply Rle_trans with (1 := power_bounded V A alpha A_bounded alpha_nonnegative n term). unfold series_term.
  apply Rmult_le_compat_l; [apply pow_le; assumption|]. unfold term. apply Rle_trans with (1 := norm_triangle _ _ _).
  rewrite norm_scale, Rabs_mult, (Rabs_right (h ^ S n)) by (apply Rle_ge, pow_le; assumption).
  fold rows beta sigma. pose proof (norm_nonnegative V (f y)). lra.
Qed.

Lemma combined_of_null_weights : forall beta (ks : list V),
  Forall (fun b => (b == 0)%Q) beta -> combined V beta ks = zero.
Proof.
  intros beta ks null. revert ks. induction null as [|b beta head _ step]; intros [|k ks]; simpl; try reflexivity.
  rewrite step, (Qeq_eqR _ _ head), Q2R_zero, scale_zero, add_zero. reflexivity.
Qed.

Theorem affine_part_and_remainder : forall n,
  Forall (fun b => (b == 0)%Q) (through_powers n (weights tableau) (map snd (stages tableau))) ->
  ‖runge_kutta_step V tableau (fun _ => f) t h y ⊖ u h‖
    <= sum_below (series_term tableau from_flow from_start) n + alpha ^ n * c * (h ^ S n / INR (fact (S n))).
Proof.
  intros n null. destruct consistency as [fits _].
  pose proof (evaluations_balanced t (stages tableau) [] fits points_inside) as balance. simpl app in balance.
  unfold runge_kutta_step, increment.
  set (ks := map snd (evaluations V (fun _ => f) t h y (stages tableau) [])) in *.
  pose proof (numerical_series V A A_adds A_scales (f y) h (weights tableau) (map snd (stages tableau)) _ ks n balance)
    as series.
  rewrite (combined_of_null_weights _ ks null), scale_of_zero, (power_zero V A A_scales), add_zero in series.
  pose proof (exact_series V A alpha A_adds A_scales A_bounded alpha_nonnegative (f y) y u (fun s => rho (u s))
    primitive h c start solves_split speed_split primitive_starts primitive_of_forcing primitive_of_primitive n h
    ltac:(lra)) as rest.
  cbv zeta beta in rest. pose proof (sums_differ n) as sums. unfold rows, points in sums. rewrite <- series in sums.
  set (step := h • combined V (weights tableau) ks) in *. set (ex := exact_sum V A (f y) primitive n h) in *.
  set (end_state := u h) in *.
  replace ((y ⊕ step) ⊖ end_state) with ((step ⊖ ex) ⊖ (end_state ⊖ y ⊖ ex)) by vector.
  apply Rle_trans with (1 := norm_triangle _ _ _). rewrite norm_opposite.
  apply Rplus_le_compat; [exact sums|exact rest].
Qed.

End Step.

End Remainder.

(** ** The powers end with the stages *)

Lemma plus_of_null_rows : forall one other, Forall (fun b => (b == 0)%Q) one -> Forall (fun b => (b == 0)%Q) other ->
  Forall (fun b => (b == 0)%Q) (plus_rows one other).
Proof.
  intros one other null. revert other.
  induction null as [|a one head tail step]; intros other null_other; [exact null_other|].
  destruct null_other as [|b other second rest]; simpl; [constructor; assumption|].
  constructor; [rewrite head, second; reflexivity|apply step; assumption].
Qed.

Lemma null_through_rows : forall beta rows, Forall (fun b => (b == 0)%Q) beta ->
  Forall (fun b => (b == 0)%Q) (through_rows beta rows).
Proof.
  intros beta rows null. revert rows. induction null as [|a beta head tail step]; intros [|row rows]; simpl; auto.
  apply plus_of_null_rows; [|apply step]. unfold times_row. clear - head. induction row as [|b row step]; simpl; auto.
  constructor; [rewrite head; ring|assumption].
Qed.

Lemma null_from_on : forall beta rows n, Forall (fun b => (b == 0)%Q) (through_powers n beta rows) ->
  forall more, Forall (fun b => (b == 0)%Q) (through_powers (more + n) beta rows).
Proof.
  intros beta rows n null. induction more as [|more step]; simpl; [exact null|]. apply null_through_rows. exact step.
Qed.

Theorem powers_end_with_the_stages : Forall (fun tableau => forall more,
  Forall (fun b => (b == 0)%Q)
    (through_powers (more + length (stages tableau)) (weights tableau) (map snd (stages tableau)))) tableaus.
Proof.
  assert (forall tableau, forallb (fun b => Qeq_bool b 0)
      (through_powers (length (stages tableau)) (weights tableau) (map snd (stages tableau))) = true ->
    forall more, Forall (fun b => (b == 0)%Q)
      (through_powers (more + length (stages tableau)) (weights tableau) (map snd (stages tableau)))) as by_computation.
  { intros tableau computed. apply null_from_on. apply Forall_forall. intros b member.
    apply Qeq_bool_eq. exact (proj1 (forallb_forall _ _) computed b member). }
  unfold tableaus. repeat (apply Forall_cons || apply Forall_nil); apply by_computation; vm_compute; reflexivity.
Qed.
