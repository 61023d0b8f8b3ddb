(** * The local error of a Runge–Kutta step on a Lipschitz field

    Statement.   x = hK: ‖Ψ_h(y) − φ_h(y)‖ ≤ v e^{max(μ,0)Mh} K h² [κ_b + x Σ |b_i| e_i], with v = ‖f(y)‖,
                 e_i = κ_i + x Σ |a_ij| e_j and κ_i = ∫ |Σ_{c_j ≤ s} a_ij − min(s, c_i)| ds; M = 1 where no node lies
                 beyond 1. The bracket does not fall with x. κ_b is 1/2 for Euler's method, 1/4 for Heun's and the
                 midpoint rule, 5/36 for RK4, 25/288 for the 3/8 rule, 149/1296 for Bogacki and Shampine's method and
                 291751616209/2283299020800 for dopri5; κ_6 of Fehlberg's method is 43817/112320. The embedded estimate
                 ‖h Σ d_i k_i‖, Σ d_i = 0, has the same bound with d for b and κ_d = ∫ |Σ_{c_j ≤ s} d_j| ds for κ_b.
    Assumptions. any normed space; any consistent explicit tableau of rational numbers, nodes from 0 to M; f is
                 autonomous and differs at most by K times the distance between states on the exact flow from y up to
                 time Mh and the stages, so a local K will do; ‖f(φ_s(y))‖ ≤ v e^{μs} there
                 (adaptive_affine_bound.v proves it); h ≥ 0; K ≥ 0
    Source.      theory, section 8
    Verdict.     proved as stated
    Theorems.    local_error, local_error_of_speed, embedded_estimate, bracket_grows, bracket_twin,
                 estimate_bracket_twin, weights_constants, fehlberg_constants, nodes_of_the_library *)

From Coq Require Import Reals Lra Lia Psatz QArith Qreals List Permutation.
From NatrobProofs Require Import normed_space mean_value butcher_tableau tableaus runge_kutta quadrature_defect.
Import ListNotations.
Open Scope R_scope.
Open Scope vector_scope.

(** e_i = κ_i + x Σ |a_ij| e_j: the stages' distances from the flow over L h² *)
Fixpoint stage_errors (x : R) (remaining : list (Q * list Q)) (nodes : list Q) (known : list R) : list R :=
  match remaining with
  | [] => []
  | (node, row) :: rest =>
      let error := quadrature_constant nodes row node + x * total magnitude row known in
      error :: stage_errors x rest (nodes ++ [node]) (known ++ [error])
  end.

(** κ_b + x|b|ᵀ(I − x|A|)⁻¹κ *)
Definition bracket (tableau : Tableau) (x : R) : R :=
  quadrature_constant (map fst (stages tableau)) (weights tableau) 1
    + x * total magnitude (weights tableau) (stage_errors x (stages tableau) [] []).

(** κ_d + x|d|ᵀ(I − x|A|)⁻¹κ, for weights d that sum to 0 *)
Definition estimate_bracket (tableau : Tableau) (d : list Q) (x : R) : R :=
  quadrature_constant (map fst (stages tableau)) d 0
    + x * total magnitude d (stage_errors x (stages tableau) [] []).

Definition nodes_up_to (reach : R) (tableau : Tableau) : Prop :=
  1 <= reach /\ Forall (fun node => 0 <= Q2R node <= reach) (map fst (stages tableau)).

Lemma height_of_row : forall nodes row, length row = length nodes ->
  height (real_jumps (combine nodes row)) = Q2R (sum row).
Proof.
  induction nodes as [|node rest step]; intros [|a row] same; simpl in *; try discriminate.
  - symmetry. apply Q2R_zero.
  - rewrite step by lia. rewrite Q2R_plus. reflexivity.
Qed.

Section LocalError.

Variable V : NormedSpace.
Variable f : V -> V.
Variable K : R.
Variable inside : V -> Prop.
Hypothesis nonnegative : 0 <= K.
Hypothesis lipschitz_inside : forall z y, inside z -> inside y -> ‖f z ⊖ f y‖ <= K * ‖z ⊖ y‖.

(** The exact solution from y, up to h times [reach], with a bound c of its speed. *)
Variable u : R -> V.
Variable y : V.
Variable h reach c : R.
Hypothesis forward : 0 <= h.
Hypothesis start : u 0 = y.
Hypothesis solves : forall s, 0 <= s <= h * reach -> has_derivative V u s (f (u s)).
Hypothesis flow_inside : forall s, 0 <= s <= h * reach -> inside (u s).
Hypothesis speed : forall s, 0 <= s <= h * reach -> ‖f (u s)‖ <= c.
Hypothesis speed_nonnegative : 0 <= c.

Let slope_along (node : Q) : V := f (u (h * Q2R node)).

Lemma slope_is_lipschitz : lipschitz_slope V (fun s => f (u s)) (K * c) 0 (h * reach).
Proof.
  intros r s from order to. apply Rle_trans with (K * ‖u s ⊖ u r‖).
  - apply lipschitz_inside; apply flow_inside; lra.
  - rewrite Rmult_assoc. apply Rmult_le_compat_l; [assumption|].
    apply (move_at_most V u (fun s => f (u s))); [assumption|..]; intros moment between;
      [apply solves|apply speed]; lra.
Qed.

(** h Σ a_j k_j misses the flow's way to the target by Lh²(κ + x Σ |a_j| e_j), as the slopes miss the flow's by
    K e_j L h². *)
Lemma row_error : forall nodes row target known factors,
  Forall (fun node => 0 <= Q2R node <= reach) nodes -> 0 <= Q2R target <= reach ->
  height (real_jumps (combine nodes row)) = Q2R target ->
  slopes_within V K (K * c * h ^ 2) factors known (map slope_along nodes) ->
  ‖(y ⊕ h • combined V row known) ⊖ u (h * Q2R target)‖
    <= (quadrature_constant nodes row target + h * K * total magnitude row factors) * (K * c * h ^ 2).
Proof.
  intros nodes row target known factors on_nodes on_target level slopes.
  pose proof (quadrature_defect V u (fun s => f (u s)) h (K * c) reach nodes row target forward
    (Rmult_le_pos _ _ nonnegative speed_nonnegative) solves slope_is_lipschitz on_nodes on_target level) as defect.
  pose proof (combined_difference V K _ row _ _ _ slopes) as difference.
  cbv beta in defect. fold slope_along in defect. rewrite start in defect.
  set (exact := combined V row (map slope_along nodes)) in *. set (sum := combined V row known) in *.
  set (target_state := u (h * Q2R target)) in *.
  replace ((y ⊕ h • sum) ⊖ target_state) with (h • (sum ⊖ exact) ⊕ (h • exact ⊖ (target_state ⊖ y))) by vector.
  apply Rle_trans with (1 := norm_triangle _ _ _). rewrite norm_scale, Rabs_right by lra.
  pose proof (Rmult_le_compat_l h _ _ forward difference). lra.
Qed.

Lemma stages_along_the_flow : forall t remaining nodes known factors,
  rows_fit (length nodes) remaining ->
  Forall (fun node => 0 <= Q2R node <= reach) nodes ->
  Forall (fun node => 0 <= Q2R node <= reach) (map fst remaining) ->
  Forall inside (map fst (evaluations V (fun _ => f) t h y remaining known)) ->
  slopes_within V K (K * c * h ^ 2) factors known (map slope_along nodes) ->
  slopes_within V K (K * c * h ^ 2) (stage_errors (h * K) remaining nodes factors)
    (map snd (evaluations V (fun _ => f) t h y remaining known)) (map slope_along (map fst remaining)).
Proof.
  intro t. induction remaining as [|[node row] rest step];
    intros nodes known factors fits on_nodes on_rest stays slopes; simpl; [exact I|].
  simpl in fits. destruct fits as [as_long [sum_is rest_fits]].
  pose proof (Forall_inv on_rest) as on_node. pose proof (Forall_inv_tail on_rest) as on_others. simpl in on_node.
  cbn [map evaluations fst] in stays. pose proof (Forall_inv stays) as point_inside.
  pose proof (Forall_inv_tail stays) as others_inside.
  set (point := y ⊕ h • combined V row known) in *.
  set (error := quadrature_constant nodes row node + h * K * total magnitude row factors).
  assert (‖point ⊖ u (h * Q2R node)‖ <= error * (K * c * h ^ 2)) as distance.
  { apply row_error; try assumption. rewrite height_of_row by assumption. apply Qeq_eqR. exact sum_is. }
  assert (‖f point ⊖ slope_along node‖ <= K * error * (K * c * h ^ 2)) as head.
  { apply Rle_trans with (K * ‖point ⊖ u (h * Q2R node)‖).
    - apply lipschitz_inside; [assumption|]. apply flow_inside.
      split; [apply Rmult_le_pos; lra|apply Rmult_le_compat_l; lra].
    - pose proof (Rmult_le_compat_l K _ _ nonnegative distance). lra. }
  split; [exact head|]. apply step; try assumption.
  - rewrite app_length, Nat.add_comm. exact rest_fits.
  - apply Forall_app. auto.
  - rewrite map_app. apply slopes_within_one_more; assumption.
Qed.

Theorem local_error : forall tableau t,
  consistent tableau -> nodes_up_to reach tableau ->
  Forall inside (map fst (evaluations V (fun _ => f) t h y (stages tableau) [])) ->
  ‖runge_kutta_step V tableau (fun _ => f) t h y ⊖ u h‖ <= c * (K * h ^ 2 * bracket tableau (h * K)).
Proof.
  intros tableau t [rows [as_long total_is]] [far on_nodes] stays.
  pose proof (stages_along_the_flow t (stages tableau) [] [] [] rows (Forall_nil _) on_nodes stays I) as slopes.
  unfold runge_kutta_step, increment. replace (u h) with (u (h * Q2R 1)) by (rewrite Q2R_one, Rmult_1_r; reflexivity).
  unfold bracket. replace (c * (K * h ^ 2 *
      (quadrature_constant (map fst (stages tableau)) (weights tableau) 1
       + h * K * total magnitude (weights tableau) (stage_errors (h * K) (stages tableau) [] []))))
    with ((quadrature_constant (map fst (stages tableau)) (weights tableau) 1
       + h * K * total magnitude (weights tableau) (stage_errors (h * K) (stages tableau) [] [])) * (K * c * h ^ 2))
    by ring.
  apply row_error; try assumption.
  - rewrite Q2R_one. lra.
  - rewrite height_of_row by (rewrite map_length; exact as_long). apply Qeq_eqR. exact total_is.
Qed.

(** The embedded estimate h Σ d_i k_i, d = b − b̂: a quadrature of the slope along the flow over no time at all. *)
Theorem embedded_estimate : forall tableau d t,
  rows_fit 0 (stages tableau) -> nodes_up_to reach tableau -> length d = length (stages tableau) -> (sum d == 0)%Q ->
  Forall inside (map fst (evaluations V (fun _ => f) t h y (stages tableau) [])) ->
  ‖h • combined V d (map snd (evaluations V (fun _ => f) t h y (stages tableau) []))‖
    <= c * (K * h ^ 2 * estimate_bracket tableau d (h * K)).
Proof.
  intros tableau d t rows [far on_nodes] as_long total_is stays.
  pose proof (stages_along_the_flow t (stages tableau) [] [] [] rows (Forall_nil _) on_nodes stays I) as slopes.
  pose proof (row_error (map fst (stages tableau)) d 0 _ _ on_nodes ltac:(rewrite Q2R_zero; lra)
    ltac:(rewrite height_of_row by (rewrite map_length; exact as_long); apply Qeq_eqR; exact total_is) slopes) as error.
  rewrite Q2R_zero, Rmult_0_r, start in error.
  set (estimate := h • combined V d (map snd (evaluations V (fun _ => f) t h y (stages tableau) []))) in *.
  replace ((y ⊕ estimate) ⊖ y) with estimate in error by vector.
  apply Rle_trans with (1 := error). unfold estimate_bracket. right. ring.
Qed.

End LocalError.

(** The speed along the flow grows by e^{μs} at most, so by e^{max(μ,0)Mh} up to Mh. *)
Corollary local_error_of_speed : forall (V : NormedSpace) f K (inside : V -> Prop) u y h reach mu tableau t,
  0 <= K -> 0 <= h -> u 0 = y ->
  (forall z y, inside z -> inside y -> ‖f z ⊖ f y‖ <= K * ‖z ⊖ y‖) ->
  (forall s, 0 <= s <= h * reach -> has_derivative V u s (f (u s))) ->
  (forall s, 0 <= s <= h * reach -> inside (u s)) ->
  (forall s, 0 <= s <= h * reach -> ‖f (u s)‖ <= exp (mu * s) * ‖f y‖) ->
  consistent tableau -> nodes_up_to reach tableau ->
  Forall inside (map fst (evaluations V (fun _ => f) t h y (stages tableau) [])) ->
  ‖runge_kutta_step V tableau (fun _ => f) t h y ⊖ u h‖
    <= ‖f y‖ * exp (Rmax mu 0 * (h * reach)) * (K * h ^ 2 * bracket tableau (h * K)).
Proof.
  intros V f K inside u y h reach mu tableau t nonnegative forward start lipschitz solves stays speed consistency nodes
    stages_stay.
  apply (local_error V f K inside nonnegative lipschitz u y h reach); try assumption.
  - intros s between. apply Rle_trans with (1 := speed s between). rewrite Rmult_comm.
    apply Rmult_le_compat_l; [apply norm_nonnegative|].
    assert (mu * s <= Rmax mu 0 * (h * reach)) as order.
    { pose proof (Rmax_l mu 0). pose proof (Rmax_r mu 0). apply Rle_trans with (Rmax mu 0 * s).
      - apply Rmult_le_compat_r; lra.
      - apply Rmult_le_compat_l; lra. }
    destruct order as [less|same]; [left; apply exp_increasing; assumption|rewrite same; lra].
  - apply Rmult_le_pos; [apply norm_nonnegative|apply Rlt_le, exp_pos].
Qed.

(** ** The bracket does not fall *)

Lemma half_square_grows : forall a b, a <= b -> signed_half_square a <= signed_half_square b.
Proof.
  intros a b order. unfold signed_half_square, Rabs. destruct (Rcase_abs a), (Rcase_abs b); nra.
Qed.

Lemma piece_area_nonnegative : forall c p q B, p <= q -> 0 <= piece_area c p q B.
Proof.
  intros c p q B order. unfold piece_area.
  assert (Rmin p c <= Rmin q c) as lower by (apply Rmin_glb; [apply Rle_trans with p; [apply Rmin_l|lra]|apply Rmin_r]).
  assert (Rmax p c <= Rmax q c) as upper by (apply Rmax_lub; [apply Rle_trans with q; [lra|apply Rmax_l]|apply Rmax_r]).
  pose proof (half_square_grows (Rmin p c - B) (Rmin q c - B) ltac:(lra)).
  pose proof (Rmult_le_pos _ (Rmax q c - Rmax p c) (Rabs_pos (B - c)) ltac:(lra)). lra.
Qed.

Lemma area_nonnegative : forall c jumps p B, ascending_from p jumps -> 0 <= area_from c p B jumps.
Proof.
  intros c. induction jumps as [|[q a] rest step]; intros p B order; simpl in *.
  - apply piece_area_nonnegative, Rmax_l.
  - destruct order as [first later]. pose proof (piece_area_nonnegative c p q B first).
    pose proof (step q (B + a) later). lra.
Qed.

Lemma quadrature_constant_nonnegative : forall nodes row c,
  Forall (fun node => 0 <= Q2R node) nodes -> 0 <= quadrature_constant nodes row c.
Proof.
  intros nodes row c on_nodes. apply area_nonnegative, by_node_ascends. revert row.
  induction on_nodes as [|node rest at_node _ step]; intros [|a row]; simpl; auto.
Qed.

Lemma total_grows : forall row one other, Forall2 Rle one other -> total magnitude row one <= total magnitude row other.
Proof.
  induction row as [|a rest step]; intros one other order; destruct order; simpl; try lra.
  pose proof (step _ _ order). pose proof (Rmult_le_compat_l (magnitude a) _ _ (Rabs_pos _) H). lra.
Qed.

Lemma stage_errors_grow : forall x x', 0 <= x -> x <= x' -> forall remaining nodes known known',
  Forall (fun node => 0 <= Q2R node) nodes -> Forall (fun node => 0 <= Q2R node) (map fst remaining) ->
  Forall (fun e => 0 <= e) known -> Forall2 Rle known known' ->
  Forall (fun e => 0 <= e) (stage_errors x remaining nodes known) /\
  Forall2 Rle (stage_errors x remaining nodes known) (stage_errors x' remaining nodes known').
Proof.
  intros x x' positive order. induction remaining as [|[node row] rest step]; intros nodes known known' on_nodes on_rest
    positive_known below; simpl; [auto|].
  inversion on_rest as [|? ? on_node on_others]; subst. simpl in on_node.
  pose proof (quadrature_constant_nonnegative nodes row node on_nodes) as constant.
  pose proof (total_nonnegative row known positive_known) as sums.
  pose proof (total_grows row known known' below) as sums_grow.
  assert (0 <= quadrature_constant nodes row node + x * total magnitude row known) as first.
  { pose proof (Rmult_le_pos _ _ positive sums). lra. }
  assert (quadrature_constant nodes row node + x * total magnitude row known
    <= quadrature_constant nodes row node + x' * total magnitude row known') as second.
  { pose proof (Rmult_le_compat x x' _ _ positive sums order sums_grow). lra. }
  destruct (step (nodes ++ [node]) (known ++ [quadrature_constant nodes row node + x * total magnitude row known])
    (known' ++ [quadrature_constant nodes row node + x' * total magnitude row known'])) as [rest_positive rest_grows].
  - apply Forall_app. auto.
  - assumption.
  - apply Forall_app. auto.
  - apply Forall2_app; auto.
  - split; constructor; assumption.
Qed.

Theorem bracket_grows : forall tableau x x', Forall (fun node => 0 <= Q2R node) (map fst (stages tableau)) ->
  0 <= x -> x <= x' -> 0 <= bracket tableau x /\ bracket tableau x <= bracket tableau x'.
Proof.
  intros tableau x x' on_nodes positive order.
  destruct (stage_errors_grow x x' positive order (stages tableau) [] [] [] (Forall_nil _) on_nodes
    (Forall_nil _) (Forall2_nil _)) as [nonnegative grow].
  pose proof (quadrature_constant_nonnegative (map fst (stages tableau)) (weights tableau) 1 on_nodes).
  pose proof (total_nonnegative (weights tableau) _ nonnegative) as sums.
  pose proof (total_grows (weights tableau) _ _ grow) as sums_grow. unfold bracket.
  pose proof (Rmult_le_pos _ _ positive sums). pose proof (Rmult_le_compat x x' _ _ positive sums order sums_grow).
  split; lra.
Qed.

(** ** The bracket over the rational numbers *)

Fixpoint stage_errors_Q (x : Q) (remaining : list (Q * list Q)) (nodes : list Q) (known : list Q) : list Q :=
  match remaining with
  | [] => []
  | (node, row) :: rest =>
      let error := Qred (quadrature_constant_Q nodes row node + x * total_Q Qabs.Qabs row known) in
      error :: stage_errors_Q x rest (nodes ++ [node]) (known ++ [error])
  end.

Definition bracket_Q (tableau : Tableau) (x : Q) : Q :=
  Qred (quadrature_constant_Q (map fst (stages tableau)) (weights tableau) 1
    + x * total_Q Qabs.Qabs (weights tableau) (stage_errors_Q x (stages tableau) [] [])).

Lemma stage_errors_twin : forall x remaining nodes known,
  map Q2R (stage_errors_Q x remaining nodes known) = stage_errors (Q2R x) remaining nodes (map Q2R known).
Proof.
  intro x. induction remaining as [|[node row] rest step]; intros nodes known; [reflexivity|].
  cbn [stage_errors_Q stage_errors map].
  assert (Q2R (Qred (quadrature_constant_Q nodes row node + x * total_Q Qabs.Qabs row known))
    = quadrature_constant nodes row node + Q2R x * total magnitude row (map Q2R known)) as head.
  { rewrite Q2R_reduced, Q2R_plus, Q2R_mult, quadrature_constant_twin, (total_twin _ _ Q2R_absolute). reflexivity. }
  rewrite step, map_app. cbn [map]. rewrite head. reflexivity.
Qed.

Theorem bracket_twin : forall tableau x, Q2R (bracket_Q tableau x) = bracket tableau (Q2R x).
Proof.
  intros tableau x. unfold bracket_Q, bracket.
  rewrite Q2R_reduced, Q2R_plus, Q2R_mult, quadrature_constant_twin, (total_twin _ _ Q2R_absolute), stage_errors_twin.
  reflexivity.
Qed.

Definition estimate_bracket_Q (tableau : Tableau) (d : list Q) (x : Q) : Q :=
  Qred (quadrature_constant_Q (map fst (stages tableau)) d 0
    + x * total_Q Qabs.Qabs d (stage_errors_Q x (stages tableau) [] [])).

Theorem estimate_bracket_twin : forall tableau d x,
  Q2R (estimate_bracket_Q tableau d x) = estimate_bracket tableau d (Q2R x).
Proof.
  intros tableau d x. unfold estimate_bracket_Q, estimate_bracket.
  rewrite Q2R_reduced, Q2R_plus, Q2R_mult, quadrature_constant_twin, (total_twin _ _ Q2R_absolute), stage_errors_twin.
  reflexivity.
Qed.

(** ** The library's methods *)

Definition weights_constant_Q (tableau : Tableau) : Q :=
  quadrature_constant_Q (map fst (stages tableau)) (weights tableau) 1.

(** κ_i of the stages *)
Definition row_constants_Q (tableau : Tableau) : list Q := stage_errors_Q 0 (stages tableau) [] [].

Theorem weights_constants :
  map weights_constant_Q
    [euler; heun; heun_euler; midpoint; rk4; three_eighths; bogacki_shampine; dopri5]
    = [1 # 2; 1 # 4; 1 # 4; 1 # 4; 5 # 36; 25 # 288; 149 # 1296; 291751616209 # 2283299020800]%Q.
Proof.
  vm_compute. reflexivity.
Qed.

(** The sixth stage of Fehlberg's method has node 1/2 and uses nodes up to 1. *)
Theorem fehlberg_constants :
  row_constants_Q fehlberg45 = [0; 1 # 32; 25 # 1024; 95273 # 140608; 2713 # 1728; 43817 # 112320]%Q.
Proof.
  vm_compute. reflexivity.
Qed.

Lemma rational_between : forall node, Qle_bool 0%Q node = true -> Qle_bool node 1%Q = true -> 0 <= Q2R node <= 1.
Proof.
  intros node low high. apply Qle_bool_iff, Qle_Rle in low. apply Qle_bool_iff, Qle_Rle in high.
  rewrite Q2R_zero in low. rewrite Q2R_one in high. auto.
Qed.

Theorem nodes_of_the_library : Forall (nodes_up_to 1) tableaus.
Proof.
  unfold tableaus. repeat (apply Forall_cons || apply Forall_nil); (split; [lra|]); cbn [stages map fst euler heun
    heun_euler midpoint rk4 three_eighths bogacki_shampine fehlberg45 dopri5];
    repeat (apply Forall_cons || apply Forall_nil); apply rational_between; reflexivity.
Qed.
